/**
 * The whole project on phantoms, on one machine: hospitals with an archive and a reading room each; a first phase of labels
 * drawn by hand and a federated model of them; a second in which that model proposes and readers correct, and a model of these
 * labels; experiments; the report. Every step is durable when it is done: the same again goes on where it was.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Slots } from '@consilium/federation';
import type { ExperimentRecord } from '@consilium/study';
import { encodeBundle } from '@consilium/training';
import { CliError } from '../cli-error.ts';
import { type Hospital, workDirectoryOf } from '../committee.ts';
import { ExperimentDirectory } from '../experiment-directory.ts';
import { ExperimentHost } from '../experiment-host.ts';
import { runExperiment } from '../experiment-run.ts';
import { JobWatch } from '../job-watch.ts';
import type { Progress } from '../progress.ts';
import type { RehearsalSettings } from '../rehearsal-settings.ts';
import { gatherPatients } from '../rehearse.ts';
import type { FederatedModel } from './assisted-phase.ts';
import { type ExperimentName, experimentNames, experimentsOf, trainingJobs } from './experiments.ts';
import { splitName } from './hospital.ts';
import { keptStep, StageTimes } from './kept-steps.ts';
import { modelAndPlan } from './model-record.ts';
import { type FirstPhase, firstPhase, type PhaseOptions, type SecondPhase, secondPhase } from './site-phases.ts';

export interface FullRehearsalContext {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly command: string;
}

/** What was done, for whoever writes it up. */
export interface FullyRehearsed {
  readonly directory: string;
  readonly settings: RehearsalSettings;
  readonly command: string;
  readonly sites: readonly {
    readonly siteId: string;
    readonly first: FirstPhase;
    readonly second: SecondPhase;
    readonly picturesDirectory: string;
  }[];
  readonly experiments: Readonly<Record<ExperimentName, ExperimentRecord>>;
  readonly experimentDirectories: readonly string[];
  readonly stages: readonly { readonly name: string; readonly seconds: number }[];
  readonly warnings: readonly string[];
}

/** About so much of the time each part takes, of its parts together 1. */
const shares = { phantoms: 0.05, first: 0.1, second: 0.15, training: 0.7 } as const;
/** Hospitals at once: while one waits for its disk, the other computes. */
const hospitalsAtOnce = 2;

export async function rehearseFully(
  directory: string,
  settings: RehearsalSettings,
  context: FullRehearsalContext,
): Promise<FullyRehearsed> {
  const rehearsal = new FullRehearsal(directory, settings, context);
  const { progress, signal } = context;
  const times = await StageTimes.open(join(directory, 'stages.json'));
  const phantoms = await times.stage('phantoms', () =>
    gatherPatients(directory, { ...settings, data: null, format: 'dicom' }, { progress, signal }),
  );
  rehearsal.done(shares.phantoms);
  const first = await times.stage('labels by hand', () => rehearsal.firstPhase(phantoms));
  const phaseOne = await times.stage('training on labels by hand', () => rehearsal.train(['phase-one'], ['manual']));
  const model = await rehearsal.modelOf(phaseOne['phase-one']!, 'phase-one');
  const second = await times.stage('corrected proposals', () => rehearsal.secondPhase(phantoms, model));
  const rest = await times.stage('training on both, and experiments', () =>
    rehearsal.train(['labels', 'studies', 'alone'], ['manual', 'assisted']),
  );
  return {
    ...{ directory, settings, command: context.command },
    sites: phantoms.map(({ siteId }) => ({
      ...{ siteId, first: first.get(siteId)!, second: second.get(siteId)! },
      picturesDirectory: join(workDirectoryOf(directory, siteId), 'pictures'),
    })),
    experiments: { ...phaseOne, ...rest } as FullyRehearsed['experiments'],
    experimentDirectories: experimentNames.map((name) => rehearsal.experimentPath(name)),
    stages: times.stages,
    warnings: rehearsal.warnings,
  };
}

/** Of the experiments of which a model is kept. */
const modelFolders = { 'phase-one': 'model-of-phase-one', labels: 'model' } as const;

class FullRehearsal {
  readonly #directory: string;
  readonly #settings: RehearsalSettings;
  readonly #context: FullRehearsalContext;
  readonly #watch: JobWatch;
  #share = 0;

  constructor(directory: string, settings: RehearsalSettings, context: FullRehearsalContext) {
    this.#directory = directory;
    this.#settings = settings;
    this.#context = context;
    // Told by the rounds as they come; jobs that were done before count when they are known again.
    const { progress } = context;
    this.#watch = new JobWatch(
      { ...progress, advance: (share) => progress.advance(this.#share + share) },
      { shareOf: () => shares.training / trainingJobs },
    );
  }

  get warnings(): readonly string[] {
    return this.#watch.warnings;
  }

  /** Of all that is to be done. */
  done(share: number): void {
    this.#share += share;
    this.#context.progress.advance(this.#share);
  }

  async firstPhase(hospitals: readonly Hospital[]): Promise<ReadonlyMap<string, FirstPhase>> {
    const { progress } = this.#context;
    progress.show({
      type: 'stage',
      text: 'Phase one: studies come into the archives, readers draw, a second person approves',
    });
    return this.#atEach(hospitals, { name: 'first-phase', share: shares.first, of: 2 }, firstPhase);
  }

  async secondPhase(hospitals: readonly Hospital[], model: FederatedModel): Promise<ReadonlyMap<string, SecondPhase>> {
    const { progress } = this.#context;
    progress.show({
      type: 'stage',
      text: 'Phase two: the model of phase one proposes where it is let, readers correct',
    });
    return this.#atEach(hospitals, { name: 'second-phase', share: shares.second, of: 2 }, (options) =>
      secondPhase(model, options),
    );
  }

  /** Experiments in their order, at hospitals that have these sets of labels. */
  async train(
    names: readonly ExperimentName[],
    labels: readonly ('manual' | 'assisted')[],
  ): Promise<Partial<Record<ExperimentName, ExperimentRecord>>> {
    const { command, progress, signal } = this.#context;
    const hospitals = this.#siteIds().map((siteId) => this.#hospital(siteId, labels));
    const say = (text: string) => progress.show({ type: 'stage', text });
    const records: Partial<Record<ExperimentName, ExperimentRecord>> = {};
    const finished = await Promise.all(names.map((name) => this.#finished(name)));
    if (finished.every((record) => record !== null)) {
      return Object.fromEntries(names.map((name, at) => [name, finished[at]!]));
    }
    const quiet = { signal, onEvent: this.#watch.onEvent, onTrouble: (text: string) => this.#watch.warn(text) };
    await using host = await ExperimentHost.onThisMachine(this.#directory, hospitals, this.#settings, quiet);
    for (const name of names) {
      say(`Experiment "${name}"`);
      const directory = await ExperimentDirectory.open(this.experimentPath(name));
      for (const earlier of experimentNames.slice(0, experimentNames.indexOf(name))) {
        await directory.takeRunsOf(await ExperimentDirectory.open(this.experimentPath(earlier)));
      }
      const { record } = await runExperiment(experimentsOf(this.#settings)[name], {
        ...{ host, directory, signal, say, command, lookAgain: null, pictures: true },
        nowIso: () => new Date().toISOString(),
      });
      await this.#fetchBest(host, record, name);
      records[name] = record;
    }
    return records;
  }

  /** What an experiment trained last on all patients, as files. */
  async modelOf(record: ExperimentRecord, name: ExperimentName): Promise<FederatedModel> {
    const run = lastRun(record);
    const folder = this.#modelPath(name);
    const { model, plan } = await modelAndPlan(folder);
    const round = run.best!.round;
    const metadata = { name: `consilium-${name}`, job: run.jobId, round, synthetic: true };
    return { name: metadata.name, jobId: run.jobId, round, files: encodeBundle({ model, plan, metadata }) };
  }

  async #fetchBest(host: ExperimentHost, record: ExperimentRecord, name: ExperimentName): Promise<void> {
    if (name in modelFolders) await host.fetchModel(lastRun(record).jobId, this.#modelPath(name));
  }

  /** With the model that is wanted of it: between the two it may have been killed. */
  async #finished(name: ExperimentName): Promise<ExperimentRecord | null> {
    if (name in modelFolders && !existsSync(join(this.#modelPath(name), 'rounds.json'))) return null;
    try {
      return await ExperimentDirectory.finished(this.experimentPath(name));
    } catch (error) {
      if (error instanceof CliError && error.code === 'cli.no-experiment') return null;
      throw error;
    }
  }

  async #atEach<T>(
    hospitals: readonly Hospital[],
    { name, of, share }: { readonly name: string; readonly share: number; readonly of: number },
    work: (options: PhaseOptions) => Promise<T>,
  ): Promise<ReadonlyMap<string, T>> {
    const { progress, signal } = this.#context;
    const counts = new Map<string, number>();
    const total = hospitals.length * this.#settings.studies;
    const begun = this.#share;
    const onCase = (what: string) => {
      counts.set(what, (counts.get(what) ?? 0) + 1);
      progress.show({ type: 'count', what, done: counts.get(what)!, of: total });
      const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
      progress.advance(begun + share * Math.min(1, all / (total * of)));
    };
    const slots = new Slots(hospitalsAtOnce);
    const results = await Promise.all(
      hospitals.map(async ({ directory: studies, siteId }, siteIndex) => {
        using _slot = await slots.take();
        signal.throwIfAborted();
        const options = { directory: this.#archive(siteId), studies, seed: this.#settings.seed, siteId };
        const result = await keptStep(join(this.#directory, name, `${siteId}.json`), () =>
          work({ ...options, siteIndex, signal, onCase }),
        );
        return [siteId, result] as const;
      }),
    );
    this.#share = begun;
    this.done(share);
    return new Map(results);
  }

  /** Images with the labels that were drawn by hand; tested against what is true. */
  #hospital(siteId: Hospital['siteId'], labels: readonly ('manual' | 'assisted')[]): Hospital {
    const directory = this.#archive(siteId);
    const cohort = (name: string) => ({ directory, cohort: { name, version: 1 } });
    return {
      ...{ siteId, directory, cohort: { name: 'manual', version: 1, split: splitName } },
      reference: cohort('reference'),
      labelSets: Object.fromEntries(labels.map((name) => [name, cohort(name)])),
    };
  }

  #siteIds(): Hospital['siteId'][] {
    return Array.from({ length: this.#settings.sites }, (_, index) => `site-${index + 1}` as Hospital['siteId']);
  }

  #archive(siteId: string): string {
    return join(this.#directory, 'archives', siteId);
  }

  experimentPath(name: ExperimentName): string {
    return join(this.#directory, 'experiments', name);
  }

  #modelPath(name: ExperimentName): string {
    return join(this.#directory, modelFolders[name as keyof typeof modelFolders]);
  }
}

/** Of the last configuration, as the experiment's file names them: for `labels` that of corrected proposals. */
function lastRun({ configurations, runs }: ExperimentRecord): ExperimentRecord['runs'][number] {
  const { id } = configurations.at(-1)!;
  const run = runs.find(({ configuration, state }) => configuration === id && state === 'completed');
  if (run === undefined || run.best === null) {
    throw new CliError('cli.job-failed', 'A job of the rehearsal came to no model. Its record says why.');
  }
  return run;
}
