/** A whole project in one process: the coordinator, its sites, what lies between them, and what befalls them. */
import { createRandom, type Random } from '@consilium/numerics';
import type { JobId, SiteId, Task } from '@consilium/protocol';
import type { JobBoard, JobStatus } from '../job-board.ts';
import type { JobEvent } from '../job-event.ts';
import { MemoryStore } from '../memory-store.ts';
import { Chronicle } from './chronicle.ts';
import { CoordinatorMachine } from './coordinator-machine.ts';
import { hostilePort } from './hostile-port.ts';
import { LocalState } from './local-state.ts';
import type { Scenario, SiteSpec, Trouble } from './scenario.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import { calm, SimulatedLink } from './simulated-link.ts';
import type { SimulatedMachine } from './simulated-machine.ts';
import type { CoordinatorServer } from './simulated-port.ts';
import { putModel } from './simulation.ts';
import { SiteMachine } from './site-machine.ts';

const idleMs = 15_000;
const silentMsMax = 20_000;
const dayMs = 24 * 3_600_000;
/** Longer than any trouble that is still under way. */
const settledMs = 250_000;

export class SimulatedProject {
  readonly scenario: Scenario;
  readonly clock = new SimulatedClock();
  readonly chronicle: Chronicle;
  /** Every blob that was ever at the coordinator; nothing where no trace is kept. */
  readonly archive = new MemoryStore();
  readonly coordinator: CoordinatorMachine;
  readonly sites: ReadonlyMap<SiteId, SiteMachine>;
  /** Where each job stood when all was over. */
  readonly statuses = new Map<JobId, JobStatus>();
  /** Told of what the coordinator tells those who watch. */
  onEvent: (event: JobEvent) => void = () => {};
  readonly #links: ReadonlyMap<SiteId, SimulatedLink<CoordinatorServer>>;
  readonly #random: Random;
  readonly #keepsTrace: boolean;
  /** What members have asked for; some are answered late. */
  readonly #operations: Promise<void>[] = [];

  constructor(scenario: Scenario, { keepsTrace = true }: { readonly keepsTrace?: boolean } = {}) {
    this.scenario = scenario;
    this.chronicle = new Chronicle(this.clock, { keepsTrace });
    this.#keepsTrace = keepsTrace;
    this.#random = createRandom(scenario.seed, 'project');
    const { chronicle, clock } = this;
    this.coordinator = new CoordinatorMachine({
      ...this.#machine('coordinator', scenario.coordinatorKillsAt),
      siteIds: scenario.sites.map(({ siteId }) => siteId),
      jobsAtOnce: scenario.jobsAtOnce,
      absentMsMax: scenario.absentMsMax,
      silentMsMax,
      onEvent: (event) => this.#watch(event),
      onVerdict: async (siteId, message, verdict) => chronicle.answered(siteId, message, verdict),
    });
    this.#links = new Map(
      scenario.sites.map(({ siteId, weather }) => {
        const random = createRandom(scenario.seed, siteId, 'link');
        const link = new SimulatedLink<CoordinatorServer>({
          clock,
          random,
          idleMs,
          server: () => this.coordinator.server,
        });
        link.weather = weather;
        this.coordinator.links.set(siteId, link);
        return [siteId, link];
      }),
    );
    this.sites = new Map(scenario.sites.map((spec) => [spec.siteId, this.#site(spec)]));
  }

  /** From the first job to the end of all; what was not right is in the chronicle. */
  async run(): Promise<void> {
    await this.runJobs();
    await this.#restart();
    await this.#checkAllAsBefore();
  }

  /** Until the last job has ended. */
  async runJobs(): Promise<void> {
    const { scenario, clock, coordinator } = this;
    await putModel(coordinator.disk.platter);
    await putModel(this.archive);
    for (const machine of this.#machines()) machine.start();
    for (const { atMs, ...trouble } of scenario.troubles) clock.after(atMs, () => this.#befall(trouble));
    const submitted = scenario.jobs.map(async ({ atMs, submission }) => {
      await clock.sleep(atMs);
      await this.#insist((board) => board.submit(submission));
    });
    await clock.sleep(scenario.calmFromMs);
    this.#calmDown();
    await Promise.all([...submitted, ...this.#operations]);
    await this.#untilAllEnd();
  }

  /** Kills every process, so that time stands still. */
  end(): void {
    for (const machine of this.#machines()) machine.condemn();
  }

  // Parts --------------------------------------------------------------------------------------------------------------

  #machine(name: string, killsAt: readonly number[]) {
    const { seed, diskLatencyMsMax: latencyMsMax, acknowledgesEarly = false } = this.scenario;
    const { chronicle, clock, archive } = this;
    const isCoordinator = name === 'coordinator';
    const disk = new SimulatedDisk({
      clock,
      random: createRandom(seed, name, 'disk'),
      latencyMsMax,
      acknowledgesEarly: isCoordinator && acknowledgesEarly,
      ...(isCoordinator && this.#keepsTrace ? { archive } : {}),
      ...(isCoordinator ? { onRecord: (jobId, key, value) => chronicle.recorded(jobId, key, value) } : {}),
    });
    return {
      name,
      clock,
      disk,
      random: createRandom(seed, name, 'machine'),
      killsAt,
      note: (text: string) => chronicle.note(text),
    };
  }

  #site(spec: SiteSpec): SiteMachine {
    const { seed, sites } = this.scenario;
    const { siteId, cases, target, tasksAtOnce, refuses, decidesAtMs, killsAt, mishapChance, mishaps, forgeryChance } =
      spec;
    const states = new Map<JobId, LocalState>();
    const stateOf = (jobId: JobId): LocalState => {
      const state = states.get(jobId) ?? new LocalState();
      states.set(jobId, state);
      return state;
    };
    const tries = new Map<string, number>();
    const mishap = (task: Task) => {
      const nth = (tries.get(task.taskId) ?? 0) + 1;
      tries.set(task.taskId, nth);
      const random = createRandom(seed, task.taskId, nth, 'mishap');
      return random.chance(mishapChance) ? random.choice(mishaps) : undefined;
    };
    return new SiteMachine({
      ...this.#machine(siteId, killsAt),
      siteId,
      seed,
      link: this.#links.get(siteId)!,
      work: { cases, target, stateOf, mishap },
      tasksAtOnce,
      refuses,
      decidesAtMs,
      onEvent: (event) => this.chronicle.agentDid(siteId, event),
      ...(forgeryChance === 0 || sites.length === 1
        ? {}
        : {
            between: (port, life) => {
              const random = createRandom(seed, siteId, 'lies', life);
              const victims = sites.map((site) => site.siteId).filter((other) => other !== siteId);
              return hostilePort({ port, random, forgeryChance, siteId, victims });
            },
          }),
    });
  }

  #machines(): SimulatedMachine[] {
    return [this.coordinator, ...this.sites.values()];
  }

  #watch(event: JobEvent): void {
    const { kind, jobId } = event;
    this.onEvent(event);
    this.chronicle.note(`job ${jobId} ${kind} ${'siteId' in event ? event.siteId : ''}`);
    if (kind === 'job-ended') this.chronicle.note(`job ${jobId} ended: ${event.state} ${event.reason.text}`);
    if (kind === 'site-left-out' && /(blob|chunk)-missing$/.test(event.code)) {
      this.chronicle.violated('blobs are kept', `${event.siteId} was left out of ${jobId}: ${event.message}`);
    }
  }

  // Trouble ------------------------------------------------------------------------------------------------------------

  #befall(trouble: Trouble): void {
    this.chronicle.note(`trouble ${JSON.stringify(trouble)}`);
    const { clock } = this;
    switch (trouble.kind) {
      case 'kill':
        this.#named(trouble.machine).kill(trouble.downMs);
        break;
      case 'condemn':
        this.#named(trouble.machine).condemn();
        break;
      case 'freeze':
        this.#named(trouble.machine).freeze(trouble.forMs);
        break;
      case 'disk-full': {
        const { disk } = this.#named(trouble.machine);
        disk.isFull = true;
        clock.after(trouble.forMs, () => {
          disk.isFull = false;
        });
        break;
      }
      case 'writes-fail':
        this.#named(trouble.machine).disk.failures = trouble.writes;
        break;
      case 'break':
        for (const siteId of trouble.siteIds) this.#links.get(siteId)!.breakAll();
        break;
      case 'partition': {
        const blocks = trouble.siteIds.flatMap((siteId) =>
          trouble.directions.map((direction) => [this.#links.get(siteId)!, direction] as const),
        );
        for (const [link, direction] of blocks) link.block(direction);
        clock.after(trouble.forMs, () => {
          for (const [link, direction] of blocks) link.unblock(direction);
        });
        break;
      }
      case 'pause':
      case 'resume':
      case 'abort':
        this.#operations.push(this.#operate(trouble.kind, this.scenario.jobs[trouble.job]!.submission.jobId));
    }
  }

  #named(name: string): SimulatedMachine {
    return name === 'coordinator' ? this.coordinator : this.sites.get(name as SiteId)!;
  }

  #calmDown(): void {
    this.chronicle.note('calm');
    for (const link of this.#links.values()) link.weather = calm;
    for (const machine of this.#machines()) {
      machine.spare();
      machine.disk.isFull = false;
      machine.disk.failures = 0;
    }
  }

  // The member who watches ---------------------------------------------------------------------------------------------

  /** One try, as a person makes it; what was acknowledged must be so for good. */
  async #operate(kind: 'pause' | 'resume' | 'abort', jobId: JobId): Promise<void> {
    try {
      const status = await this.coordinator.call((board) =>
        kind === 'abort' ? board.abort(jobId, 'someone') : board[kind](jobId),
      );
      this.#observe(status);
    } catch (error) {
      this.chronicle.note(`${kind} ${jobId}: ${String(error)}`);
    }
  }

  /** Asks again until there is an answer. */
  async #insist<T>(ask: (board: JobBoard) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.coordinator.call(ask);
      } catch (error) {
        this.chronicle.note(`a member: ${String(error)}`);
        await this.clock.sleep(this.#random.between(500, 3000));
      }
    }
  }

  #observe(status: JobStatus): void {
    const { jobId, state } = status;
    const before = this.statuses.get(jobId)?.state;
    if (before !== state) this.chronicle.note(`job ${jobId} is ${state}`);
    if ((before === 'completed' || before === 'aborted') && state !== before) {
      this.chronicle.violated('ended is ended', `${jobId} was ${before} and is ${state}`);
    }
    this.statuses.set(jobId, status);
  }

  /** Paused jobs are taken up again, and so are those that failed for reasons that have passed. */
  async #untilAllEnd(): Promise<void> {
    const { clock, chronicle } = this;
    for (const endMs = clock.nowMs() + dayMs; ; ) {
      const statuses = await this.#insist(async (board) => board.list());
      for (const status of statuses) this.#observe(status);
      const open = statuses.filter(({ state }) => state === 'queued' || state === 'running');
      const resumable = statuses.filter(
        ({ state, reason }) => state === 'paused' || (state === 'failed' && reason!.code.startsWith('disk.')),
      );
      for (const { jobId } of resumable) await this.#operate('resume', jobId);
      if (open.length === 0 && resumable.length === 0) return;
      if (clock.nowMs() > endMs) {
        for (const { jobId, state } of open) chronicle.violated('every job ends', `${jobId} is ${state} after a day`);
        return;
      }
      await clock.sleep(20_000);
    }
  }

  /**
   * After which every site hears what became of what it still holds. What could not be removed from a spool is delivered
   * once more when its site starts.
   */
  async #restart(): Promise<void> {
    await this.clock.sleep(settledMs);
    for (const site of this.sites.values()) if (site.disk.hasFailed) site.kill(1000);
    this.coordinator.kill(1000);
    await this.clock.sleep(settledMs);
  }

  async #checkAllAsBefore(): Promise<void> {
    for (const status of await this.#insist(async (board) => board.list())) {
      const before = this.statuses.get(status.jobId)!;
      if (before.state !== status.state || before.reason?.text !== status.reason?.text) {
        this.chronicle.violated('ended is ended', `${status.jobId} was ${before.state} and is ${status.state}`);
      }
    }
  }
}
