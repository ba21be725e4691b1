/**
 * The coordinator's end of the line to one site. Tasks that are asked for are sent whenever there is a connection, again
 * on every new one, until they are answered; a contribution is answered when what was decided about it is durable. How
 * messages travel is the caller's affair.
 */
import type {
  BlobId,
  Contribution,
  CoordinatorMessage,
  Failure,
  Hello,
  JobId,
  SiteId,
  SiteMessage,
  Task,
  TaskId,
  TaskProgress,
  Verdict,
} from '@consilium/protocol';
import { lackingBlobs, shortManifests } from './blob.ts';
import { dispositionOf } from './disposition.ts';
import { type Clock, leaving, type PerformOptions, type SiteConnection, type TaskReply } from './ports.ts';
import type { Slots } from './slots.ts';
import type { Store } from './store.ts';

export interface SiteLineOptions {
  readonly siteId: SiteId;
  readonly clock: Clock;
  readonly store: Store;
  /** A site that has been away for so long has lost its tasks. */
  readonly absentMsMax: number;
  /** A connection over which nothing was heard for so long is dead. Sites say something every few seconds. */
  readonly silentMsMax: number;
  /** Where several sites share a machine and fewer tasks than sites shall run at once. */
  readonly slots?: Slots;
}

/** One connection, as long as it lasts. */
export interface LineConnection {
  /** Hands a message over, or drops it if the connection is broken: it is sent again on the next. */
  send(message: CoordinatorMessage): void;
  /** Ends it from this side: a newer one has taken its place, or nothing is heard of it any more. */
  end(): void;
}

interface OpenTask {
  message: Extract<CoordinatorMessage, { kind: 'task' }>;
  readonly onProgress: (progress: TaskProgress) => void;
  readonly settle: (reply: TaskReply) => void;
}

export class SiteLine implements SiteConnection {
  readonly siteId: SiteId;
  readonly #options: SiteLineOptions;
  readonly #open = new Map<TaskId, OpenTask>();
  /** What the site goes on with although nobody waits for it: its job is paused, say. */
  readonly #left = new Set<TaskId>();
  /** Contributions about which it is being decided: one that comes again meanwhile gets the same verdict. */
  readonly #deciding = new Map<TaskId, Promise<Verdict>>();
  #connection: LineConnection | null = null;
  /** Aborts when the present state, connected or away, is over. */
  #phase = new AbortController();
  #heardMs: number;

  constructor(options: SiteLineOptions) {
    this.siteId = options.siteId;
    this.#options = options;
    this.#heardMs = options.clock.nowMs();
    void this.#awaitAbsence(this.#phase.signal);
  }

  get isConnected(): boolean {
    return this.#connection !== null;
  }

  /** Since the site was last heard of; since the coordinator started, if it was not. */
  get silentMs(): number {
    return this.#options.clock.nowMs() - this.#heardMs;
  }

  get openTasks(): readonly Task[] {
    return [...this.#open.values()].map(({ message }) => message.task);
  }

  async perform(task: Task, { signal, onProgress = () => {} }: PerformOptions): Promise<TaskReply> {
    using slot = await this.#options.slots?.acquire(signal);
    if (slot === null || signal.aborted) return { kind: 'aborted' };
    const { promise, resolve } = Promise.withResolvers<TaskReply>();
    const close = () => {
      if (this.#open.get(task.taskId) === open) this.#open.delete(task.taskId);
    };
    const settle = (reply: TaskReply) => {
      close();
      resolve(reply);
    };
    const open: OpenTask = { message: { kind: 'task', task }, onProgress, settle };
    const giveUp = () => {
      if (signal.reason === leaving) this.#left.add(task.taskId);
      else this.#connection?.send({ kind: 'abort', taskId: task.taskId });
      settle({ kind: 'aborted' });
    };
    this.#open.set(task.taskId, open);
    this.#left.delete(task.taskId);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await this.#send(open);
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
      close();
    }
  }

  /** With the manifests of its blobs, unless it is settled meanwhile. */
  async #send(open: OpenTask): Promise<void> {
    const { task } = open.message;
    const blobs = blobsNeeded(task);
    if (blobs.length > 0)
      open.message = { ...open.message, manifests: await shortManifests(this.#options.store, blobs) };
    if (this.#open.get(task.taskId) === open) this.#connection?.send(open.message);
  }

  abandon(work: JobId | TaskId): void {
    for (const taskId of [...this.#left].filter((each) => `${each}/`.startsWith(`${work}/`))) {
      this.#connection?.send({ kind: 'abort', taskId });
      this.#left.delete(taskId);
    }
  }

  /** The site has a new connection; an older one is ended. The caller calls `disconnected` when it breaks. */
  async connected(hello: Hello, connection: LineConnection): Promise<void> {
    this.#connection?.end();
    this.#connection = connection;
    this.#heard();
    this.#enterPhase((signal) => this.#awaitSilence(connection, signal));
    for (const { message } of this.#open.values()) connection.send(message);
    for (const taskId of hello.holding) {
      const isOver = (await dispositionOf(this.#options.store, taskId)) !== 'open';
      if (this.#open.has(taskId)) continue;
      if (isOver) connection.send({ kind: 'abort', taskId });
      else this.#left.add(taskId);
    }
  }

  /** Something that is no task. Lost where there is no connection: the welcome of the next one says it. */
  tell(message: Extract<CoordinatorMessage, { kind: 'revocations' }>): void {
    this.#connection?.send(message);
  }

  disconnected(connection: LineConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#enterPhase((signal) => this.#awaitAbsence(signal));
  }

  /** Ends the connection, and loses what the site was asked for. */
  close(): void {
    const connection = this.#connection;
    connection?.end();
    if (connection !== null) this.disconnected(connection);
    this.#phase.abort();
    const lost = {
      kind: 'lost',
      code: 'federation.site-removed',
      message: 'It was removed from the project.',
    } as const;
    for (const { settle } of this.#open.values()) settle(lost);
  }

  /** @returns what the site is told; resolves once it is true. */
  async receive(message: SiteMessage): Promise<Verdict> {
    this.#heard();
    switch (message.kind) {
      case 'alive':
        return { kind: 'accepted' };
      case 'progress':
        this.#open.get(message.taskId)?.onProgress(message.progress);
        return { kind: 'accepted' };
      case 'failure': {
        const open = this.#open.get(message.taskId);
        // A higher attempt is one that was asked for before a restart.
        if (open !== undefined && message.attempt >= open.message.task.attempt) open.settle(replyOf(message.failure));
        return { kind: 'accepted' };
      }
      case 'contribution': {
        if (!message.taskId.endsWith(`/${this.siteId}`)) return ofAnother;
        const { taskId } = message;
        const deciding = this.#deciding.get(taskId) ?? this.#receiveContribution(message);
        this.#deciding.set(taskId, deciding);
        return deciding.finally(() => this.#deciding.delete(taskId));
      }
    }
  }

  async #receiveContribution({
    taskId,
    contribution,
  }: Extract<SiteMessage, { kind: 'contribution' }>): Promise<Verdict> {
    const disposition = await dispositionOf(this.#options.store, taskId);
    if (disposition === 'accepted') return { kind: 'accepted' };
    // What is asked for counts, whatever the ledger says: an end that failed to be written may be in it.
    if (!this.#open.has(taskId)) return { kind: disposition === 'closed' ? 'closed' : 'not-asked' };
    const lacking = await lackingBlobs(this.#options.store, blobsOf(contribution));
    if (lacking.length > 0) return { kind: 'blobs-wanted', blobs: lacking };
    const open = this.#open.get(taskId);
    if (open === undefined) return { kind: 'not-asked' };
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    open.settle({ kind: 'contribution', contribution, acknowledge: resolve });
    return promise;
  }

  #heard(): void {
    this.#heardMs = this.#options.clock.nowMs();
  }

  #enterPhase(phase: (signal: AbortSignal) => Promise<void>): void {
    this.#phase.abort();
    this.#phase = new AbortController();
    void phase(this.#phase.signal);
  }

  /** While connected: ends a connection over which nothing is heard any more. */
  async #awaitSilence(connection: LineConnection, over: AbortSignal): Promise<void> {
    const { clock, silentMsMax } = this.#options;
    while (!over.aborted) {
      await clock.sleep(silentMsMax / 4, over);
      if (over.aborted || clock.nowMs() - this.#heardMs <= silentMsMax) continue;
      connection.end();
      this.disconnected(connection);
    }
  }

  /** While away: after too long, what the site was asked for is lost; then again after as long. */
  async #awaitAbsence(over: AbortSignal): Promise<void> {
    const { clock, absentMsMax } = this.#options;
    while (!over.aborted) {
      await clock.sleep(absentMsMax, over);
      if (over.aborted) return;
      const message = `It has not been connected for ${Math.round(absentMsMax / 1000)} s.`;
      for (const { settle } of this.#open.values()) settle({ kind: 'lost', code: 'federation.site-absent', message });
    }
  }
}

const ofAnother = {
  kind: 'refused',
  code: 'federation.task-of-another-site',
  message: 'The contribution is to a task that another site was given.',
} as const;

function replyOf(failure: Failure): TaskReply {
  const { code, message } = failure;
  return failure.worthRetrying ? { kind: 'lost', code, message } : { kind: 'failure', failure };
}

/** Every blob that a site needs for a task. */
export function blobsNeeded(task: Task): readonly BlobId[] {
  switch (task.kind) {
    case 'train':
      return [task.model, task.weights, ...(task.control === null ? [] : [task.control])];
    case 'evaluate':
      return [task.model, task.weights];
    case 'secure-input':
      return [task.weights];
    case 'overlap':
      return task.received.map(({ box }) => box);
    default:
      return [];
  }
}

/** Every blob that a contribution names. */
export function blobsOf(contribution: Contribution): readonly BlobId[] {
  if (contribution.kind === 'secure-input') return [contribution.masked];
  if (contribution.kind === 'overlap') return Object.values(contribution.boxes);
  if (contribution.kind !== 'train') return [];
  const { weights, controlChange } = contribution;
  return controlChange === null ? [weights] : [weights, controlChange];
}
