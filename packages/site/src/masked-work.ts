/** The site's worker with what masks its weights before it: keys, certificates and secrets are those of the service. */
import { type BlobStore, MaskingWorker, type Worker } from '@consilium/federation';
import { type SiteId, siteIdSchema } from '@consilium/protocol';
import { type IdentityDirectory, signatoryOf, signedBy, wallClockMs } from '@consilium/transport';
import { secretBytes } from './ports/secret-bytes.ts';
import type { SecretDirectory } from './secret-directory.ts';
import type { SiteSettings } from './settings.ts';
import { SiteError } from './site-error.ts';

export interface MaskedWorkOptions {
  readonly worker: Worker;
  readonly blobs: BlobStore;
  readonly secrets: SecretDirectory;
  readonly identity: IdentityDirectory;
  readonly settings: Pick<SiteSettings, 'secureAggregation' | 'peers'>;
}

export function maskedWork({ worker, blobs, secrets, identity, settings }: MaskedWorkOptions): Worker {
  const { project, id } = identity.facts;
  const siteId: SiteId = siteIdSchema.parse(id);
  return new MaskingWorker({
    worker,
    blobs,
    secrets,
    secretBytes,
    signer: {
      siteId,
      project,
      /** Renewed while the service runs. */
      get certificate() {
        return identity.credentials.certificate;
      },
      sign: (statement) => signedBy(identity.credentials, statement),
      proven: (claim) => signatoryOf(claim, { authority: identity.authority, project, nowMs: wallClockMs() }),
      pins: settings.peers,
    },
    plainRefusal: settings.secureAggregation.required ? required() : null,
  });
}

function required(): SiteError {
  return new SiteError(
    'site.secure-aggregation-required',
    'This site trains only in jobs in which the coordinator learns no more than the sum of all sites, and this job is none.',
    { lasting: true },
  );
}
