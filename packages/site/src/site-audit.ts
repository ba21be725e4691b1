/**
 * What a site writes down of what it does for others, and how it and the coordinator hold each other to their logs. A task
 * that cannot be written down is not begun.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Alarm,
  type AuditEvent,
  AuditLog,
  AuditReader,
  alarmsOf,
  auditSubject,
  type CheckpointOffer,
  digestOf,
  exchangeCheckpoints,
  witnessDirectory,
} from '@consilium/audit';
import type { AgentEvent, Clock } from '@consilium/federation';
import { parseCheckpointAnswer, type Task, type TaskId } from '@consilium/protocol';
import { wallClockMs } from '@consilium/transport';
import type { LocalLog } from './ports/local-log.ts';
import { detailOf, SiteError } from './site-error.ts';

/** In the site's directory. */
const auditDirectory = 'audit';
const everyMs = 3_600_000;
/** Where a hospital puts policies of its own, in the site's directory. */
const policyDirectory = 'policy';
/** Whoever may write the site's files. */
const filesPerson = { kind: 'person', id: 'files' } as const;
const coordinatorActor = { kind: 'coordinator', id: 'coordinator' } as const;

export interface SiteAuditOptions {
  /** Of the site. */
  readonly directory: string;
  readonly siteId: string;
  readonly clock: Clock;
  readonly log: LocalLog;
  /** To the coordinator, with its answer as it came. */
  readonly send: (offer: CheckpointOffer & { readonly kind: 'checkpoint' }, signal: AbortSignal) => Promise<unknown>;
  /** Directories of the archives that the site reads: nobody else could keep their heads. */
  readonly archives: readonly string[];
  readonly signal: AbortSignal;
}

export class SiteAudit implements AsyncDisposable {
  readonly #options: SiteAuditOptions;
  readonly #audit: AuditLog;
  /** Written down as begun, and not as ended. */
  readonly #begun = new Set<TaskId>();
  #exchange: Promise<void> = Promise.resolve();
  readonly #hourly: Promise<void>;
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;

  private constructor(options: SiteAuditOptions, audit: AuditLog) {
    this.#options = options;
    this.#audit = audit;
    this.#signal = AbortSignal.any([options.signal, this.#over.signal]);
    this.#hourly = this.#exchangeHourly();
  }

  /** @throws AuditError */
  static async open(options: SiteAuditOptions): Promise<SiteAudit> {
    const service = { kind: 'site', id: options.siteId } as const;
    const audit = await AuditLog.open(join(options.directory, auditDirectory), { nowMs: wallClockMs, service });
    await audit.record({ actor: service, action: 'service.started', subjects: [], outcome: 'done' });
    await notePolicy(audit, options.directory);
    return new SiteAudit(options, audit);
  }

  /** Logs that are not what they were. */
  get alarms(): number {
    return alarmsOf(this.#audit.database).length;
  }

  /** Before a task is worked on. @throws SiteError `site.not-recorded` */
  async begin(task: Task): Promise<void> {
    await this.#must({ actor: coordinatorActor, action: 'task.begun', subjects: subjectsOf(task), outcome: 'allowed' });
    this.#begun.add(task.taskId);
  }

  onEvent(event: AgentEvent): void {
    const { siteId } = this.#options;
    switch (event.kind) {
      case 'connected':
        void this.exchange();
        break;
      case 'task-finished': {
        const { outcome, task } = event;
        const hadBegun = this.#begun.delete(task.taskId);
        const isDone = outcome.kind === 'contribution';
        this.#note({
          ...{ actor: { kind: 'site', id: siteId }, action: hadBegun ? 'task.ended' : 'policy.decided' },
          subjects: subjectsOf(task),
          outcome: isDone ? 'done' : hadBegun ? 'failed' : 'refused',
          ...(isDone ? {} : { code: outcome.failure.code }),
        });
        break;
      }
      case 'delivered':
        if (event.verdict.kind !== 'accepted') break;
        this.#note({
          ...{ actor: { kind: 'site', id: siteId }, action: 'contribution.delivered', outcome: 'done' },
          subjects: subjectsOf(event.task),
        });
        break;
      case 'task-given-up':
        this.#begun.delete(event.taskId);
        break;
    }
  }

  /**
   * Keeps the heads of the archives, shows the coordinator the head of this log, and has it show its own. Never rejects: it
   * is tried again.
   */
  exchange(): Promise<void> {
    const { log, send } = this.#options;
    const signal = this.#signal;
    this.#exchange = this.#exchange.then(async () => {
      if (signal.aborted) return;
      await this.#witnessArchives();
      try {
        const alarms = await exchangeCheckpoints(this.#audit, coordinatorActor.id, async (offer) =>
          parseCheckpointAnswer(await send({ kind: 'checkpoint', ...offer }, signal)),
        );
        for (const alarm of alarms) this.#alarm(alarm);
      } catch (error) {
        if (!signal.aborted) log.write('checkpoint failed', { detail: detailOf(error) });
      }
    });
    return this.#exchange;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.all([this.#exchange, this.#hourly]);
    this.#note({ actor: this.#audit.service, action: 'service.stopped', subjects: [], outcome: 'done' });
    this.#audit[Symbol.dispose]();
  }

  async #exchangeHourly(): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(everyMs, this.#signal);
      if (this.#signal.aborted) return;
      await this.exchange();
    }
  }

  async #witnessArchives(): Promise<void> {
    const { archives, log } = this.#options;
    for (const [index, directory] of archives.entries()) {
      try {
        const alarm = await witnessDirectory(this.#audit, `archive-${index + 1}`, join(directory, auditDirectory));
        if (alarm !== null) this.#alarm(alarm);
      } catch (error) {
        // One that was never started by this version has none yet.
        if ((error as { code?: unknown }).code !== 'audit.no-log') {
          log.write('checkpoint failed', { of: directory, detail: detailOf(error) });
        }
      }
    }
  }

  #alarm({ code, head, origin }: Alarm): void {
    this.#options.log.write('audit alarm', { code, of: origin, size: head.size });
  }

  /** Of what has happened already. */
  #note(event: AuditEvent): void {
    const failed = (error: unknown) => {
      this.#options.log.write('not in the audit log', { action: event.action, detail: detailOf(error) });
    };
    try {
      this.#audit.note(event).catch(failed);
    } catch (error) {
      failed(error); // an event that is none, by what others have sent, ends no service
    }
  }

  async #must(event: AuditEvent): Promise<void> {
    try {
      await this.#audit.record(event);
    } catch (error) {
      throw notRecorded(error);
    }
  }
}

/** What a person here says of a job is written down before it holds. @throws SiteError `site.not-recorded`, and what `act` throws */
export function approvalRecorded<T>(
  directory: string,
  { by, digest, job, state }: { by: string; digest: string; job: string; state: 'approved' | 'refused' },
  act: () => Promise<T>,
): Promise<T> {
  const event = {
    actor: { kind: 'person', id: auditSubject('account', by).id },
    action: state === 'approved' ? 'approval.given' : 'approval.refused',
    subjects: [auditSubject('job', job), { kind: 'approval', id: digest }],
  } as const;
  return recordedAtSite(directory, event, act);
}

/** Of another process of the site: what is to be done is written down first. @throws SiteError `site.not-recorded` */
export async function recordedAtSite<T>(
  directory: string,
  event: Omit<AuditEvent, 'outcome'>,
  act: () => T | Promise<T>,
): Promise<T> {
  let audit: AuditLog;
  try {
    audit = await AuditLog.open(join(directory, auditDirectory), { nowMs: wallClockMs, service: event.actor });
  } catch (error) {
    throw notRecorded(error);
  }
  using open = audit;
  try {
    return await open.doing(event, act);
  } catch (error) {
    throw String((error as { code?: unknown }).code).startsWith('audit.') ? notRecorded(error) : error;
  }
}

/** Settings and policies as they are now, by their digest, if it is another than before. */
async function notePolicy(audit: AuditLog, directory: string): Promise<void> {
  const policies = await readdir(join(directory, policyDirectory)).catch(() => []);
  const paths = [
    'site.yaml',
    ...policies
      .filter((name) => name.endsWith('.cedar'))
      .sort()
      .map((name) => join(policyDirectory, name)),
  ];
  const digests = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(join(directory, path)).catch(() => Buffer.alloc(0));
      return `${path} ${createHash('sha256').update(bytes).digest('hex')}\n`;
    }),
  );
  const digest = digestOf(digests.join(''));
  using reader = AuditReader.open(join(directory, auditDirectory));
  const last = reader.entries({ action: 'policy.changed', last: 1 })[0]?.subjects[0];
  if (last?.id === digest.id) return;
  await audit.record({ actor: filesPerson, action: 'policy.changed', subjects: [digest], outcome: 'done' });
}

function subjectsOf({ jobId, taskId }: Task): AuditEvent['subjects'] {
  return [
    { kind: 'job', id: jobId },
    auditSubject('task', taskId), // whatever the coordinator calls it
  ];
}

function notRecorded(error: unknown): SiteError {
  const text =
    'The site cannot write into its audit log, so it does nothing that has to be in it. Its own log says more.';
  return new SiteError('site.not-recorded', text, { detail: detailOf(error) });
}
