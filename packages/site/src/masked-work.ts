/** The site's worker with what masks its weights before it: keys, certificates and secrets are those of the service. */
import { type BlobStore, MaskingWorker, type Worker } from '@consilium/federation';
import { type SecureAggregation, type SiteId, siteIdSchema } from '@consilium/protocol';
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
    refusal: (asked) => refusalOf(asked, settings.secureAggregation),
  });
}

function refusalOf(
  asked: SecureAggregation | undefined,
  { required, thresholdMin }: SiteSettings['secureAggregation'],
): SiteError | null {
  const refused = (text: string) => new SiteError('site.secure-aggregation-required', text, { lasting: true });
  if (asked === undefined) {
    if (!required) return null;
    return refused('This site trains only in jobs in which the coordinator learns no more than the sum of all sites.');
  }
  if (asked.threshold >= thresholdMin) return null;
  return refused(`This site hides its weights among at least ${thresholdMin} sites’, and the job among fewer.`);
}
