/**
 * What people at the site have said of jobs: a file each in `approvals/`, named by the digest of what was looked at. It is
 * there before the coordinator is told that the site waits, and what was decided holds until it is decided otherwise.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Submission } from '@consilium/federation';
import { canonicalJson, type Json } from '@consilium/protocol';
import { z } from 'zod';
import { readJson, writeJsonDurably } from '../json-file.ts';
import { SiteError } from '../site-error.ts';
import { differenceOf, type JobFacts } from './job-difference.ts';

const factsSchema = z.object({
  settings: z.json(),
  network: z.object({ parameters: z.number(), operators: z.record(z.string(), z.number()) }).nullable(),
  software: z.string(),
});
const approvalSchema = z.object({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  state: z.enum(['none', 'approved', 'refused']),
  job: z.string(),
  /** What jobs are compared with: those that ask for the same kind of thing. */
  kind: z.string(),
  /** null: nobody has signed it. */
  member: z.string().nullable(),
  askedAt: z.iso.datetime(),
  facts: factsSchema,
  /** Whoever decided, as that person says. */
  decidedBy: z.string().nullable(),
  decidedAt: z.iso.datetime().nullable(),
});
export type Approval = z.infer<typeof approvalSchema>;

export interface AskedApproval extends Pick<Approval, 'job' | 'member'> {
  readonly submission: Submission;
  readonly facts: JobFacts;
}

export class Approvals {
  readonly #directory: string;

  /** @param siteDirectory the site's own */
  constructor(siteDirectory: string) {
    this.#directory = join(siteDirectory, 'approvals');
  }

  /** @throws SiteError `site.approvals-unreadable`: what cannot be read has approved nothing. */
  async find(digest: string): Promise<Approval | null> {
    return this.#read(`${digest}.json`);
  }

  /** In the order in which they were asked for. */
  async list(): Promise<readonly Approval[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const all = await Promise.all(
      names.filter((name) => /^[0-9a-f]{64}\.json$/.test(name)).map((name) => this.#read(name)),
    );
    return all.filter((one) => one !== null).sort((one, other) => (one.askedAt < other.askedAt ? -1 : 1));
  }

  /** Durable when it resolves; of what was asked for already, nothing. */
  async ask({ job, member, submission, facts }: AskedApproval, now: string): Promise<void> {
    const digest = digestOf(submission, facts.software);
    if ((await this.find(digest)) !== null) return;
    const kind = submission.kind === 'survey' ? `survey ${submission.task.kind}` : submission.kind;
    await this.#write({
      ...{ digest, job, kind, member, facts: facts as Approval['facts'] },
      ...{ state: 'none', askedAt: now, decidedBy: null, decidedAt: null },
    });
  }

  /** @param id a digest, the beginning of one, or the name of a job @throws SiteError `site.approval-unknown` */
  async decide(
    id: string,
    { state, by, now }: { readonly state: 'approved' | 'refused'; readonly by: string; readonly now: string },
  ): Promise<Approval> {
    const decided: Approval = { ...(await this.named(id)), state, decidedBy: by, decidedAt: now };
    await this.#write(decided);
    return decided;
  }

  /** The newest of that name. @throws SiteError `site.approval-unknown` */
  async named(id: string): Promise<Approval> {
    const all = await this.list();
    const found = all.filter(({ digest, job }) => job === id || (id.length >= 6 && digest.startsWith(id))).at(-1);
    if (found !== undefined) return found;
    throw new SiteError('site.approval-unknown', `No job "${id}" was asked for that a person here has to approve.`);
  }

  /** How it differs from what was approved last of its kind; null if nothing was. */
  async difference(approval: Approval): Promise<{ readonly from: Approval; readonly lines: readonly string[] } | null> {
    const [from] = (await this.list())
      .filter(({ state, kind, digest }) => state === 'approved' && kind === approval.kind && digest !== approval.digest)
      .sort((one, other) => (one.decidedAt! > other.decidedAt! ? -1 : 1));
    if (from === undefined) return null;
    return { from, lines: differenceOf(from.facts as JobFacts, approval.facts as JobFacts) };
  }

  async #read(name: string): Promise<Approval | null> {
    const refusal = (detail: string) => {
      const text =
        'The site’s record of what its people have approved cannot be read, so nothing that they have to approve runs.';
      return new SiteError('site.approvals-unreadable', text, { detail });
    };
    let kept: unknown;
    try {
      kept = await readJson(join(this.#directory, name));
    } catch (error) {
      throw refusal(String(error));
    }
    if (kept === undefined) return null;
    const { data, error } = approvalSchema.safeParse(kept);
    if (data === undefined || `${data.digest}.json` !== name)
      throw refusal(`${name}: ${error?.message ?? 'another digest'}`);
    return data;
  }

  #write(approval: Approval): Promise<void> {
    return writeJsonDurably(join(this.#directory, `${approval.digest}.json`), approval);
  }
}

/** All that matters of a job to whoever approves it. */
export function settingsOf(submission: Submission): Json {
  const { jobId: _, mandate: __, stragglerMs: ___, attempts: ____, ...settings } = submission;
  return settings as unknown as Json;
}

/** Of what approval is for: the same job under another name needs none, anything else does. */
export function digestOf(submission: Submission, software: string): string {
  const about = canonicalJson({ software, settings: settingsOf(submission) });
  return createHash('sha256').update(`consilium approval 1\n${about}`).digest('hex');
}
