/**
 * A site's secret for a job in which sites talk to each other, and whom it talks to: made once for each job and purpose,
 * kept in `jobs/<job>/peers-<purpose>.json`, which only its owner can read, and forgotten when the job is done.
 */
import { hkdfSync } from 'node:crypto';
import { join } from 'node:path';
import {
  checkRoster,
  introductionStatement,
  keyBytes,
  PeerChannel,
  type PeerContext,
  PeerKey,
} from '@consilium/federation';
import { type Introduction, introductionSchema, type JobId, type PeerPurpose, type SiteId } from '@consilium/protocol';
import {
  IdentityDirectory,
  makeDirectory,
  signatoryOf,
  signedBy,
  wallClockMs,
  writeDurably,
} from '@consilium/transport';
import { z } from 'zod';
import { readJson } from './json-file.ts';
import { secretBytes } from './ports/secret-bytes.ts';
import { SiteError } from './site-error.ts';

const keptSchema = z.object({
  /** Base64; null once it was forgotten. */
  secret: z.string().nullable(),
  introduction: introductionSchema,
  /** Digest of the roster that was accepted. */
  roster: z.string().optional(),
});
type Kept = z.infer<typeof keptSchema>;

export interface JobPeersOptions {
  readonly workDirectory: string;
  readonly jobId: JobId;
  readonly purpose: PeerPurpose;
  /** Fingerprints of the only sites to talk to; without, whoever the project's authority has certified. */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

export class JobPeers {
  readonly #options: JobPeersOptions;
  readonly #identity: IdentityDirectory;
  readonly #context: PeerContext;
  #kept: Kept | undefined;

  private constructor(options: JobPeersOptions, identity: IdentityDirectory, kept: Kept | undefined) {
    this.#options = options;
    this.#identity = identity;
    this.#context = { project: identity.facts.project, jobId: options.jobId, purpose: options.purpose };
    this.#kept = kept;
  }

  static async open(options: JobPeersOptions): Promise<JobPeers> {
    const identity = await IdentityDirectory.open(join(options.workDirectory, 'identity'));
    const kept = await readJson(pathOf(options));
    return new JobPeers(options, identity, kept === undefined ? undefined : keptSchema.parse(kept));
  }

  /** Durable when it resolves; the same each time. */
  async introduction(): Promise<Introduction> {
    if (this.#kept !== undefined) return this.#kept.introduction;
    const secret = secretBytes(keyBytes);
    const { publicKey } = new PeerKey(secret);
    const { credentials, facts } = this.#identity;
    const introduction = {
      siteId: facts.id as SiteId,
      publicKey: base64(publicKey),
      certificate: credentials.certificate,
      signature: base64(signedBy(credentials, introductionStatement(this.#context, facts.id, publicKey))),
    };
    await this.#keep({ secret: base64(secret), introduction });
    return introduction;
  }

  /**
   * To the others of the job. The first roster that is accepted is the only one.
   * @throws FederationError `federation.roster-*`, `federation.peer-*`
   * @throws SiteError `site.peer-key-forgotten`
   */
  async channel(roster: readonly Introduction[], { minimumSites }: { minimumSites: number }): Promise<PeerChannel> {
    const key = new PeerKey(this.#secret());
    const { authority, facts } = this.#identity;
    const { pins } = this.#options;
    const accepted = this.#kept?.roster;
    const checked = checkRoster(roster, {
      context: this.#context,
      self: { siteId: facts.id as SiteId, publicKey: key.publicKey },
      verifier: {
        proven: (claim) => signatoryOf(claim, { authority, project: facts.project, nowMs: wallClockMs() }),
      },
      minimumSites,
      ...(pins === undefined ? {} : { pins }),
      ...(accepted === undefined ? {} : { accepted }),
    });
    if (accepted === undefined) await this.#keep({ ...this.#kept!, roster: checked.digest });
    return new PeerChannel(checked, key);
  }

  /** 32 bytes of the site's own for this job, the same until they are forgotten. @param use each has others */
  ownSecret(use: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#secret(), new Uint8Array(0), `consilium own secret 1\n${use}`, 32));
  }

  /** What was said in the job cannot be opened any more, by whoever gets hold of this machine later. */
  async forget(): Promise<void> {
    if (this.#kept !== undefined) await this.#keep({ ...this.#kept, secret: null });
  }

  /** @throws SiteError `site.peer-key-forgotten` */
  #secret(): Uint8Array {
    const secret = this.#kept?.secret;
    if (typeof secret === 'string') return new Uint8Array(Buffer.from(secret, 'base64'));
    const message = 'The site’s key for this job is gone, or was never made. Begin a new job.';
    throw new SiteError('site.peer-key-forgotten', message, { lasting: true });
  }

  async #keep(kept: Kept): Promise<void> {
    await makeDirectory(join(this.#options.workDirectory, 'jobs', this.#options.jobId));
    await writeDurably(pathOf(this.#options), `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
    this.#kept = kept;
  }
}

function pathOf({ workDirectory, jobId, purpose }: JobPeersOptions): string {
  return join(workDirectory, 'jobs', jobId, `peers-${purpose}.json`);
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
