/** The models of the reading room: which there are, what they propose, how they answer, and in which order cases are offered. */
import { type Asker, house } from '../asker.ts';
import { ReadingError } from '../reading-error.ts';
import { eventBy, type Projects, wantLead } from '../room/projects.ts';
import type { Readings } from '../room/readings.ts';
import { changeAndTell, type RoomParts } from '../room/room-parts.ts';
import type { TaskBook } from '../room/task-book.ts';
import type { ModelShelf } from './model-shelf.ts';
import type { DisputeTask, ModelAnswers, SettleTask } from './model-tasks.ts';
import { ModelWorker } from './model-worker.ts';
import { isNight } from './night-hours.ts';
import { PromptSessions } from './prompt-sessions.ts';
import { Proposals } from './proposals.ts';
import { Trials } from './trials.ts';
import { type ModelWork, WorkQueue } from './work-queue.ts';

interface WorkProgress {
  readonly done: number;
  readonly total: number;
}

export interface ModelsOptions {
  readonly shelf: ModelShelf;
  readonly projects: Projects;
  readonly readings: Readings;
  readonly tasks: TaskBook;
  readonly onTrouble: (error: unknown) => void;
  /** The program of the process in which models compute. */
  readonly worker?: URL;
}

export interface ShownWork extends ModelWork {
  readonly progress: WorkProgress | undefined;
}

/** Of a work, so many times it is told how far it is. */
const toldSteps = 20;
/** How often it is looked whether it is night. */
const nightLookMs = 60_000;
/** For so long the process is kept that has nothing to do: to begin it takes seconds. */
const restAfterMs = 120_000;

export class Models {
  readonly shelf: ModelShelf;
  readonly proposals: Proposals;
  readonly trials: Trials;
  readonly sessions: PromptSessions;
  readonly #parts: RoomParts;
  readonly #options: ModelsOptions;
  readonly #queue: WorkQueue;
  readonly #worker: ModelWorker;
  /** For what is no model's work, and must not wait for it. */
  readonly #comparer: ModelWorker;
  readonly #stop = new AbortController();
  readonly #progress = new Map<string, WorkProgress>();
  readonly #ended = new Map<string, PromiseWithResolvers<ModelWork>>();
  #running: { readonly id: string; readonly cancel: AbortController } | undefined;
  #work: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<(work: ModelWork) => void>();
  #isAwake = false;
  #comparisons = 0;
  /** Works begun since the start. */
  #performed = 0;

  constructor(parts: RoomParts, options: ModelsOptions) {
    const { shelf, readings, tasks } = options;
    this.#parts = parts;
    this.#options = options;
    this.#queue = new WorkQueue(parts.database);
    this.#worker = new ModelWorker(options.worker);
    this.#comparer = new ModelWorker(options.worker);
    const wake = () => this.#wake();
    const tools = { ...options, queue: this.#queue, worker: this.#worker, wake };
    this.shelf = shelf;
    this.proposals = new Proposals(parts, tools);
    this.trials = new Trials(parts, tools);
    // Of their own process: a reader who clicks does not wait for the night's work.
    this.sessions = new PromptSessions(parts, { shelf, readings, tasks, worker: new ModelWorker(options.worker) });
  }

  /** Goes on with what was under way when the process ended. */
  async resume(): Promise<void> {
    const { clock, commits } = this.#parts;
    await commits.run(() => this.#queue.recover(clock.nowMs()));
    this.#wake();
  }

  /** What runs, waits and has ended. @throws ReadingError `reading.role-wanted` */
  work(asker: Asker, project: string, limit = 1000): readonly ShownWork[] {
    wantLead(asker);
    return this.#queue.list(project, limit).map((work) => this.#shown(work));
  }

  /** @throws ReadingError `reading.work-unknown` also for that of a case in which the asker has nothing to do */
  workOf(asker: Asker, project: string, id: string): ShownWork {
    const work = this.#queue.get(project, id);
    if (work === undefined || !this.#sees(asker, work)) throw unknownWork();
    return this.#shown(work);
  }

  /** Told how far the work of a project is that the asker may see; not kept, unlike events. */
  listen(asker: Asker, project: string, listener: (work: ShownWork) => void): Disposable {
    const told = (work: ModelWork) => {
      if (work.project === project && this.#sees(asker, work)) listener(this.#shown(work));
    };
    this.#listeners.add(told);
    return { [Symbol.dispose]: () => this.#listeners.delete(told) };
  }

  /** Resolves when it has ended, however. @throws ReadingError `reading.work-unknown` */
  async ended(project: string, id: string): Promise<ModelWork> {
    const work = this.#queue.get(project, id);
    if (work === undefined) throw unknownWork();
    if (work.state !== 'waiting' && work.state !== 'running') return work;
    const waiting = this.#ended.get(id) ?? Promise.withResolvers<ModelWork>();
    this.#ended.set(id, waiting);
    return waiting.promise;
  }

  /** What runs is ended at once. @throws ReadingError `reading.role-wanted`, `reading.work-unknown` */
  async cancel(asker: Asker, project: string, id: string): Promise<void> {
    wantLead(asker);
    if (this.#queue.get(project, id) === undefined) throw unknownWork();
    await this.#end(id, { state: 'cancelled', asker });
    if (this.#running?.id === id) this.#running.cancel.abort();
  }

  /** Compares the labels of a case's readers, in a process of its own, which ends with it. */
  async compare<T extends SettleTask | DisputeTask>(task: T): Promise<ModelAnswers[T['kind']]> {
    this.#comparisons++;
    try {
      return await this.#comparer.ask(task);
    } finally {
      this.#comparisons--;
      if (this.#comparisons === 0) this.#comparer.rest();
    }
  }

  /** Resolves when nothing is done any more. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#running?.cancel.abort();
    this.sessions.stop();
    await this.#work;
    this.#comparer.rest();
    this.#worker.rest();
  }

  #sees({ person, roles }: Asker, { caseId }: ModelWork): boolean {
    if (roles.includes('lead')) return true;
    const own = this.#parts.database.prepare('SELECT 1 FROM task WHERE case_id = ? AND reader = ?');
    return own.get(caseId ?? '', person) !== undefined;
  }

  #tell(id: string): void {
    const work = this.#queue.ofId(id);
    if (work !== undefined) for (const listener of this.#listeners) listener(work);
  }

  #shown(work: ModelWork): ShownWork {
    return { ...work, progress: this.#progress.get(work.id) };
  }

  #wake(): void {
    if (this.#isAwake || this.#stop.signal.aborted) return;
    this.#isAwake = true;
    this.#work = this.#work.then(() => this.#workOff()).catch(this.#options.onTrouble);
  }

  /** One after the other: a hospital's machine has other things to do. */
  async #workOff(): Promise<void> {
    const isNightOf = (project: string) =>
      isNight(this.#parts.clock.nowMs(), this.#options.projects.protocol(project).protocol.models.night);
    while (!this.#stop.signal.aborted) {
      const work = this.#queue.next(isNightOf);
      if (work === undefined) break;
      await this.#perform(work);
    }
    this.#isAwake = false;
    void this.#restLater(this.#performed);
    if (this.#queue.hasWaiting()) void this.#waitForNight();
  }

  async #restLater(performed: number): Promise<void> {
    await this.#parts.clock.sleep(restAfterMs, this.#stop.signal);
    if (!this.#isAwake && this.#performed === performed) this.#worker.rest();
  }

  async #waitForNight(): Promise<void> {
    await this.#parts.clock.sleep(nightLookMs, this.#stop.signal);
    this.#wake();
  }

  async #perform(work: ModelWork): Promise<void> {
    const { commits } = this.#parts;
    const cancel = new AbortController();
    this.#performed++;
    this.#running = { id: work.id, cancel };
    try {
      await commits.run(() => this.#queue.begin(work.id));
      this.#tell(work.id);
      const onProgress = (done: number, total: number) => {
        const before = this.#progress.get(work.id);
        this.#progress.set(work.id, { done, total });
        const share = Math.floor((done / total) * toldSteps);
        if (before === undefined || share !== Math.floor((before.done / before.total) * toldSteps)) this.#tell(work.id);
      };
      const options = { onProgress, signal: cancel.signal };
      await (work.kind === 'propose' ? this.proposals.perform(work, options) : this.trials.perform(work, options));
      await this.#end(work.id, { state: 'done', asker: house });
    } catch (error) {
      // Told to stop: it is begun again at the next start. Cancelled: that is written down already.
      if (cancel.signal.aborted) return;
      const code = (error as { code?: unknown }).code;
      await this.#end(work.id, {
        ...{ state: 'failed', asker: house },
        code: typeof code === 'string' ? code : 'reading.failed',
      });
      this.#options.onTrouble(error);
    } finally {
      this.#running = undefined;
      this.#progress.delete(work.id);
    }
  }

  async #end(
    id: string,
    { asker, code, state }: { state: 'done' | 'failed' | 'cancelled'; asker: Asker; code?: string },
  ): Promise<void> {
    const { clock } = this.#parts;
    const work = await changeAndTell(this.#parts, () => {
      const isEnded = this.#queue.end(id, state, { nowMs: clock.nowMs(), ...(code === undefined ? {} : { code }) });
      const value = this.#queue.ofId(id);
      const isNews = isEnded && value !== undefined && state !== 'done';
      const facts = { work: id, kind: value?.kind, code };
      const event = isNews
        ? { ...eventBy(asker), kind: `work-${state}`, project: value.project, caseId: value.caseId, facts }
        : undefined;
      return { value, event };
    });
    this.#tell(id);
    // Undefined if its case was erased meanwhile.
    if (work === undefined) this.#ended.get(id)?.reject(unknownWork());
    else this.#ended.get(id)?.resolve(work);
    this.#ended.delete(id);
  }
}

function unknownWork(): ReadingError {
  return new ReadingError('reading.work-unknown', 'The project has no such work.');
}
