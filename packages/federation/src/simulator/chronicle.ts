/**
 * What happened in a simulated project, as one sees it who sees everything: the trace, what the ledger holds, and what
 * must never happen, noticed when it does.
 */

import { createHash } from 'node:crypto';
import type { JobId, Json, SiteId, SiteMessage, Task, TaskId, Verdict } from '@consilium/protocol';
import type { AgentEvent } from '../site-agent.ts';
import { SecureChronicle } from './secure-chronicle.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export interface Violation {
  readonly invariant: string;
  readonly text: string;
}

export class Chronicle {
  readonly violations: Violation[] = [];
  /** Each task that an agent began, as it was given last. */
  readonly begun = new Map<TaskId, Task>();
  /** When each was begun first. */
  readonly begunMs = new Map<TaskId, number>();
  readonly trace: string[] = [];
  readonly secure = new SecureChronicle((invariant, text) => this.violated(invariant, text));
  readonly #clock: SimulatedClock;
  readonly #keepsTrace: boolean;
  readonly #hash = createHash('sha256');
  /** Done, on the site's disk, and not yet decided about. */
  readonly #spooled = new Set<TaskId>();
  /** Under which entry of the ledger the contribution to a task was accepted. */
  readonly #accepted = new Map<TaskId, string>();

  /** Without a trace it takes less memory. */
  constructor(clock: SimulatedClock, { keepsTrace = true }: { readonly keepsTrace?: boolean } = {}) {
    this.#clock = clock;
    this.#keepsTrace = keepsTrace;
  }

  /** Differs if anything happened otherwise, or at another time. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  note(text: string): void {
    const line = `${this.#clock.nowMs().toFixed(3).padStart(14)} ${text}`;
    this.#hash.update(`${line}\n`);
    if (this.#keepsTrace) this.trace.push(line);
  }

  violated(invariant: string, text: string): void {
    this.note(`VIOLATED ${invariant}: ${text}`);
    this.violations.push({ invariant, text });
  }

  isAccepted(taskId: TaskId): boolean {
    return this.#accepted.has(taskId);
  }

  recorded(jobId: JobId, key: string, value: Json): void {
    this.note(`ledger ${jobId} ${key}`);
    const taskId = acceptedTask(jobId, key, value);
    if (taskId === null) return;
    const before = this.#accepted.get(taskId);
    this.#accepted.set(taskId, key);
    if (before !== undefined && before !== key) {
      this.violated('counted once', `${taskId} is counted as ${before} and as ${key}`);
    }
  }

  answered(siteId: SiteId, message: SiteMessage, verdict: Verdict): void {
    if (message.kind === 'alive' || message.kind === 'progress') return;
    this.note(`${siteId} hears ${verdict.kind} of its ${message.kind} to ${message.taskId}`);
    if (message.kind !== 'contribution' || verdict.kind !== 'accepted') return;
    if (!this.isAccepted(message.taskId)) {
      this.violated('acknowledged is durable', `${message.taskId} was acknowledged and is not in the ledger`);
    }
    if (!message.taskId.endsWith(`/${siteId}`)) {
      this.violated('own tasks only', `${siteId} was heard on ${message.taskId}`);
    }
  }

  agentDid(siteId: SiteId, event: AgentEvent): void {
    this.note(`${siteId} ${describe(event)}`);
    switch (event.kind) {
      case 'task-started':
        this.#begins(event.task);
        break;
      case 'task-finished':
        this.secure.finished(siteId, event.task, event.outcome);
        if (event.outcome.kind === 'contribution') this.#spooled.add(event.task.taskId);
        break;
      case 'delivered':
        if (event.verdict.kind !== 'not-asked') this.#spooled.delete(event.task.taskId);
        break;
      case 'task-given-up':
        this.#spooled.delete(event.taskId);
        break;
    }
  }

  #begins(task: Task): void {
    const { taskId } = task;
    this.begun.set(taskId, task);
    if (!this.begunMs.has(taskId)) this.begunMs.set(taskId, this.#clock.nowMs());
    if (this.isAccepted(taskId)) this.violated('nothing redone', `${taskId} had been accepted`);
    if (this.#spooled.has(taskId)) this.violated('nothing redone', `${taskId} was done and waited for its delivery`);
  }
}

function describe(event: AgentEvent): string {
  switch (event.kind) {
    case 'connected':
      return 'is connected';
    case 'disconnected':
      return `is disconnected: ${event.error ?? 'ended'}`;
    case 'task-given-up':
      return `gives up ${event.taskId}`;
    case 'delivered':
      return `delivered ${event.task.taskId}: ${event.verdict.kind}`;
    case 'task-finished':
      return `finished ${event.task.taskId}: ${event.outcome.kind} ${event.error ?? ''}`;
    default:
      return `${event.kind} ${event.task.taskId} (${event.task.attempt})`;
  }
}

function acceptedTask(jobId: JobId, key: string, value: Json): TaskId | null {
  const [where, ...rest] = key.split('/');
  if (where === 'answer') return `${jobId}/0/${(value as { kind: string }).kind}/${rest[0]}` as TaskId;
  if (where !== 'round' || rest.length !== 3) return null;
  const [round, kind, siteId] = rest;
  const asked = kind === 'train' ? (value as { askedIn: number }).askedIn : round;
  return `${jobId}/${asked}/${kind}/${siteId}` as TaskId;
}
