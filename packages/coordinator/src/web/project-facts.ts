/** What a coordinator knows of its project beyond single jobs: sites, what they have told in surveys, what privacy cost. */

import { X509Certificate } from 'node:crypto';
import { type AuditLog, alarmsOf } from '@consilium/audit';
import { epsilonOf, getBlob, type JobBoard, type Store, type Submission, spendOf } from '@consilium/federation';
import { decodeMandate, evaluateContributionSchema, type JobId, type Json } from '@consilium/protocol';
import { identityOf } from '@consilium/transport';
import { z } from 'zod';
import type { Answer } from '../api.ts';
import type { EventLog } from '../event-log.ts';
import type { MemberRegistry } from '../member-registry.ts';
import type { SiteLines } from '../site-lines.ts';
import { delta, type JobFacts, spentIn } from './job-facts.ts';

export interface ProjectParts {
  readonly project: string;
  /** Where sites reach the coordinator. */
  readonly origin: string;
  readonly board: JobBoard;
  readonly store: Store;
  readonly registry: MemberRegistry;
  readonly lines: SiteLines;
  readonly events: EventLog;
  readonly audit: AuditLog;
  readonly jobs: JobFacts;
}

type Fingerprints = NonNullable<Answer<'fingerprints'>>;
type Privacy = Answer<'privacy'>;

const fingerprintAnswer = z.looseObject({
  fingerprint: z.unknown(),
  description: z.unknown().optional(),
  cases: z.object({ train: z.number(), validation: z.number(), test: z.number() }),
});

export class ProjectFacts {
  readonly #parts: ProjectParts;

  constructor(parts: ProjectParts) {
    this.#parts = parts;
  }

  async overview(): Promise<Answer<'overview'>> {
    const { audit, board, jobs, lines, origin, project, registry } = this.#parts;
    const told = new Map((await this.fingerprints())?.sites.map(({ cases, siteId }) => [siteId, cases]));
    const members = registry.list();
    const entries = await jobs.list();
    const scored = entries.flatMap(({ jobId, kind, score, state }) =>
      kind === 'train' && state === 'completed' && score !== null ? [{ jobId, score }] : [],
    );
    return {
      ...{ project, origin },
      sites: members
        .filter(({ role }) => role === 'site')
        .map(({ id, state }) => {
          const line = lines.all.find(({ siteId }) => siteId === id);
          return {
            ...{ siteId: id, state, isConnected: line?.isConnected ?? false, cases: told.get(id) ?? null },
            silentSeconds: line === undefined ? null : Math.round(line.silentMs / 1000),
            tasks: (line?.openTasks ?? []).map((task) => {
              const round = 'round' in task ? task.round : null;
              return { jobId: task.taskId.split('/')[0]!, kind: task.kind, round };
            }),
          };
        }),
      jobs: Object.fromEntries([...Map.groupBy(board.list(), ({ state }) => state)].map(([s, l]) => [s, l.length])),
      waiting: members.filter(({ state }) => state === 'pending').length,
      alarms: alarmsOf(audit.database).length,
      best: scored.reduce<(typeof scored)[number] | null>(
        (best, one) => (best === null || one.score > best.score ? one : best),
        null,
      ),
    };
  }

  /** Of the newest survey that asked for them and has an answer. */
  async fingerprints(): Promise<Answer<'fingerprints'>> {
    for (const jobId of this.#surveysOf('fingerprint').reverse()) {
      const sites: Fingerprints['sites'] = [];
      for (const [siteId, answer] of await this.#answers(jobId)) {
        const { data } = fingerprintAnswer.safeParse(answer);
        if (data === undefined) continue;
        const { cases, description, fingerprint } = data;
        sites.push({ siteId, cases, fingerprint, ...(description === undefined ? {} : { description }) });
      }
      if (sites.length > 0) return { askedBy: jobId, sites };
    }
    return null;
  }

  /** Every survey that had a model evaluated is a row, the newest last. */
  async matrix(): Promise<Answer<'matrix'>> {
    const owners = await this.#ownersOfWeights();
    const rows: { row: Omit<Answer<'matrix'>['models'][number], 'scores' | 'cases'>; answers: Map<string, Json> }[] =
      [];
    for (const jobId of this.#surveysOf('evaluate')) {
      const submission = this.#parts.board.submission(jobId);
      if (submission.kind !== 'survey' || submission.task.kind !== 'evaluate') continue;
      const { modelName, split, weights } = submission.task;
      const row = { name: modelName, askedBy: jobId, jobId: owners.get(weights) ?? null, split };
      rows.push({ row, answers: await this.#answers(jobId) });
    }
    const sites = [...new Set(rows.flatMap(({ answers }) => [...answers.keys()]))].sort();
    return {
      sites,
      models: rows.map(({ answers, row }) => {
        const told = sites.map((siteId) => evaluateContributionSchema.safeParse(answers.get(siteId)).data);
        return {
          ...row,
          scores: told.map((answer) => answer?.meanDice ?? null),
          cases: told.map((answer) => answer?.scores.length ?? 0),
        };
      }),
    };
  }

  async privacy(): Promise<Privacy> {
    const { board, jobs } = this.#parts;
    const bySite = new Map<string, Privacy['sites'][number]['jobs']>();
    const spends = new Map<string, ReturnType<typeof spendOf>[]>();
    const refusals: Privacy['refusals'] = [];
    const signed: Privacy['signed'] = [];
    for (const { jobId } of board.list()) {
      const submission = board.submission(jobId);
      const signatures = await this.#signaturesOf(submission);
      if (signatures.length > 0) signed.push({ jobId, signatures });
      if (submission.kind !== 'train') continue;
      const rounds = await jobs.rounds(jobId);
      for (const { round, leftOut } of rounds) {
        for (const { code, message, siteId, why } of leftOut) {
          if (why === 'refused') refusals.push({ siteId, jobId, round, code, message });
        }
      }
      for (const { epsilon, siteId, trainings } of spentIn(submission, rounds)) {
        bySite.set(siteId, [...(bySite.get(siteId) ?? []), { jobId, trainings, epsilon }]);
        const own = Array(trainings).fill(spendOf(submission.privacy!, submission.stepsPerRound));
        spends.set(siteId, [...(spends.get(siteId) ?? []), ...own]);
      }
    }
    const sites = [...bySite].sort(([one], [other]) => (one < other ? -1 : 1));
    return {
      ...{ delta, refusals, signed: signed.reverse(), waiting: this.#waiting() },
      sites: sites.map(([siteId, own]) => {
        const epsilon = epsilonOf(spends.get(siteId)!, delta);
        return { siteId, epsilon: Number.isFinite(epsilon) ? epsilon : null, jobs: own };
      }),
    };
  }

  /** Of jobs that go on: a site has said that people decide, and nothing of that task since. */
  #waiting(): Privacy['waiting'] {
    const { board, events } = this.#parts;
    return board.list().flatMap(({ jobId, state }) => {
      if (state !== 'running') return [];
      const waiting = new Map<string, Privacy['waiting'][number]>();
      for (const event of events.recent(jobId)) {
        if (!('siteId' in event) || !('task' in event)) continue;
        const key = `${event.siteId} ${event.task}`;
        if (event.kind !== 'site-waiting') waiting.delete(key);
        else waiting.set(key, { siteId: event.siteId, jobId, task: event.task, since: event.time });
      }
      return [...waiting.values()];
    });
  }

  /** As they are written there; that they are good, each site checks for itself. */
  async #signaturesOf({ mandate }: Submission): Promise<Privacy['signed'][number]['signatures']> {
    if (mandate === undefined) return [];
    try {
      const { signatures } = decodeMandate(await getBlob(this.#parts.store, mandate));
      return signatures.map(({ as, certificate, signedAt }) => {
        const { id } = identityOf(new X509Certificate(certificate), this.#parts.project);
        return { as, member: id, signedAt };
      });
    } catch {
      return [];
    }
  }

  #surveysOf(asks: string): JobId[] {
    const { board } = this.#parts;
    return board.list().flatMap(({ jobId }) => {
      const submission = board.submission(jobId);
      return submission.kind === 'survey' && submission.task.kind === asks ? [jobId] : [];
    });
  }

  async #answers(jobId: JobId): Promise<Map<string, Json>> {
    const prefix = 'answer/';
    const entries = [...(await this.#parts.store.recall(jobId))].filter(([key]) => key.startsWith(prefix));
    return new Map(entries.map(([key, value]) => [key.slice(prefix.length), value] as const).sort());
  }

  async #ownersOfWeights(): Promise<ReadonlyMap<string, string>> {
    const { board, jobs } = this.#parts;
    const owners = new Map<string, string>();
    for (const { jobId, kind } of board.list()) {
      if (kind !== 'train') continue;
      for (const { weights } of await jobs.rounds(jobId)) owners.set(weights, jobId);
    }
    return owners;
  }
}
