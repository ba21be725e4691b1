/**
 * An experiment from its file to its record. Reads top to bottom: what the sites' data is like, the runs, who goes on, the
 * test, the record. Every run is durable when it is done; the same again goes on where it was, and does nothing twice.
 */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { encodeModel, weightsOf } from '@consilium/engine';
import { Slots, type SurveyOutcome } from '@consilium/federation';
import { encodeSafetensors } from '@consilium/numerics';
import { type JobId, type Json, jobIdSchema, modelNameSchema, plainEncoding, type SiteId } from '@consilium/protocol';
import {
  analyse,
  choiceOf,
  configurationsOf,
  type Experiment,
  type ExperimentAnalysis,
  type ExperimentRecord,
  type PlannedRun,
  parseExperimentRecord,
  promoted,
  type RunContext,
  type RunRecord,
  type RunSettings,
  rungRounds,
  runsOf,
  sha256,
  shortened,
  standingsOf,
  type TestedModel,
  withLook,
} from '@consilium/study';
import type { Plan } from '@consilium/training';
import { CliError } from './cli-error.ts';
import type { ExperimentDirectory } from './experiment-directory.ts';
import type { ExperimentHost, TrainingSubmission } from './experiment-host.ts';
import { planOf, strategyOfRun } from './experiment-plan.ts';
import { joulesBetween, readEnergy } from './machine-energy.ts';
import { networkFor } from './network-plan.ts';
import { consiliumVersion } from './version.ts';

export interface ExperimentRunOptions {
  readonly host: ExperimentHost;
  readonly directory: ExperimentDirectory;
  readonly signal: AbortSignal;
  /** What happens, a line each. */
  readonly say: (text: string) => void;
  readonly command: string;
  readonly nowIso: () => string;
  /** Why the test patients shall be asked again, if they were before. */
  readonly lookAgain: string | null;
  /** Whether sites draw what tested models find, for themselves. */
  readonly pictures?: boolean;
}

interface Work extends ExperimentRunOptions {
  readonly experiment: Experiment;
  readonly context: RunContext;
  readonly participants: readonly SiteId[];
  readonly fingerprints: readonly Json[];
}

/** @throws CliError, StudyError `study.test-set-spent`, TrainingError for a plan that cannot be */
export async function runExperiment(
  experiment: Experiment,
  options: ExperimentRunOptions,
): Promise<{ readonly record: ExperimentRecord; readonly analysis: ExperimentAnalysis }> {
  configurationsOf(experiment); // refuses before anybody is asked
  const survey = await describeData(experiment, options);
  const work = workOf(experiment, options, survey);
  const runs = runsOf(experiment, work.context);
  for (const run of runs) {
    planOf(run.settings, work.fingerprints);
    trainersOf(run.settings, work.participants);
  }
  await prepareSites(work, runs);
  const { finished, rungs } = await trainInRungs(work, runs);
  const standings = standingsOf(
    configurationsOf(experiment).map(({ id }) => id),
    finished.filter(({ digest }) => runs.some((run) => run.digest === digest)),
  );
  const choice = choiceOf(experiment, standings);
  const chosen = finished.filter(
    ({ digest, configuration }) => choice.chosen.includes(configuration) && runs.some((run) => run.digest === digest),
  );
  const tested = await test(work, chosen, choice.rule);
  const record = parseExperimentRecord({
    version: 1,
    experiment,
    experimentSha256: sha256(experiment),
    synthetic: options.host.synthetic,
    software: { consilium: consiliumVersion, node: process.version },
    machine: `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB`,
    command: options.command,
    data: {
      sha256: work.context.dataSha256,
      sites: [...survey.answers].map(([siteId, { cases, description, fingerprint }]) => ({
        ...{ siteId, cases, fingerprint },
        ...(description === undefined ? {} : { description }),
      })),
    },
    configurations: configurationsOf(experiment),
    runs: finished.toSorted((one, other) => (one.digest < other.digest ? -1 : 1)),
    rungs,
    choice: { ...choice, chosen: [...choice.chosen], standings: [...choice.standings] },
    ...tested,
  });
  const analysis = analyse(record);
  await options.directory.keepResult(record, analysis);
  return { record, analysis };
}

function describeData(
  { limits, name }: Experiment,
  { host, say }: ExperimentRunOptions,
): Promise<SurveyOutcome<'fingerprint'>> {
  say(`Asking ${host.participants.join(', ')} what their data is like`);
  return host.survey<'fingerprint'>({
    jobId: jobIdSchema.parse(`${name}-data`),
    participants: host.participants,
    task: { kind: 'fingerprint' },
    ...termsOf(limits, host.participants),
  });
}

function workOf(experiment: Experiment, options: ExperimentRunOptions, survey: SurveyOutcome<'fingerprint'>): Work {
  const participants = [...survey.answers.keys()].sort();
  const fingerprints = participants.map((siteId) => survey.answers.get(siteId)!.fingerprint);
  const counts = participants.map((siteId) => survey.answers.get(siteId)!.cases);
  const minimumSites = Math.min(experiment.limits.minimumSites, participants.length);
  const context = {
    software: consiliumVersion,
    dataSha256: sha256([participants, fingerprints, counts]),
    participants,
    minimumSites,
  };
  return { ...options, experiment, context, participants, fingerprints };
}

function termsOf({ minimumSites, stragglerMinutes }: Experiment['limits'], participants: readonly SiteId[]) {
  return {
    minimumSites: Math.min(minimumSites, participants.length),
    stragglerMs: stragglerMinutes * 60_000,
    attempts: 3,
  };
}

/** Once for all plans that prepare images alike. */
async function prepareSites({ experiment, fingerprints, host, participants, say }: Work, runs: readonly PlannedRun[]) {
  const preparations = new Map<string, Plan>();
  for (const { settings } of runs) {
    const plan = planOf(settings, fingerprints);
    preparations.set(sha256([plan.spacingMm, plan.normalisation, plan.classes]), plan);
  }
  for (const [digest, plan] of preparations) {
    say('The sites prepare their cases');
    await host.survey<'prepare'>({
      jobId: jobIdSchema.parse(`${experiment.name}-prepare-${digest.slice(0, 12)}`),
      participants,
      task: { kind: 'prepare', plan: asJson(plan) },
      ...termsOf(experiment.limits, participants),
    });
  }
}

// Training -------------------------------------------------------------------------------------------------------------

/** All runs; or rung by rung only those of the configurations that validation lets go on. */
async function trainInRungs(
  work: Work,
  runs: readonly PlannedRun[],
): Promise<{ readonly finished: RunRecord[]; readonly rungs: ExperimentRecord['rungs'] }> {
  const { halving } = work.experiment;
  if (halving === undefined) return { finished: await trainAll(work, runs), rungs: [] };
  const roundsMax = Math.max(...runs.map(({ settings }) => settings.rounds));
  const finished = new Map<string, RunRecord>();
  const rungs: ExperimentRecord['rungs'] = [];
  let going = [...new Set(runs.map(({ configuration }) => configuration.id))];
  for (const rounds of rungRounds(roundsMax, halving)) {
    const rung = runs
      .filter(({ configuration }) => going.includes(configuration.id))
      .map((run) => shortened(run, rounds, work.context));
    const done = await trainAll(work, rung);
    for (const run of done) finished.set(run.digest, run);
    if (rounds === roundsMax) break;
    const standings = standingsOf(going, done);
    const kept = promoted(standings, halving.factor);
    rungs.push({ rounds, standings, promoted: kept });
    work.say(`After ${rounds} rounds ${kept.length} of ${going.length} configurations go on, by validation`);
    going = kept;
  }
  return { finished: [...finished.values()], rungs };
}

/** In the order given, however they end. */
async function trainAll(work: Work, runs: readonly PlannedRun[]): Promise<RunRecord[]> {
  const slots = new Slots(work.experiment.limits.jobsAtOnce);
  let done = 0;
  return Promise.all(
    runs.map(async (run) => {
      using _slot = await slots.take();
      work.signal.throwIfAborted();
      const earlier = await work.directory.run(run.digest);
      const record = earlier ?? (await trainOne(work, run));
      done += 1;
      const score = record.best?.score?.toFixed(4) ?? '–';
      const how = earlier === undefined ? record.reason : 'done before';
      const { configuration, settings } = run;
      work.say(
        `${done} of ${runs.length}: ${configuration.label}, seed ${settings.seed}: validation Dice ${score} (${how})`,
      );
      return record;
    }),
  );
}

async function trainOne(work: Work, run: PlannedRun): Promise<RunRecord> {
  const { directory, host, experiment } = work;
  const participants = trainersOf(run.settings, work.participants);
  const plan = planOf(run.settings, work.fingerprints);
  const network = networkFor(plan, run.settings.seed);
  const weights = encodeSafetensors(weightsOf(network));
  const model = await host.putBlob(encodeModel(network));
  const submission: TrainingSubmission = {
    kind: 'train',
    jobId: jobIdOf(experiment, run),
    participants: [...participants],
    plan: asJson(plan),
    model,
    initialWeights: await host.putBlob(weights),
    ...termsOf(experiment.limits, participants),
    ...jobTerms(run.settings),
  };
  const alone = host.isLocal && experiment.limits.jobsAtOnce === 1;
  const before = alone ? await readEnergy() : new Map();
  const trained = await host.train(submission);
  const energyJoules = alone ? joulesBetween(before, await readEnergy()) : null;
  const record: RunRecord = {
    digest: run.digest,
    configuration: run.configuration.id,
    settings: run.settings,
    jobId: submission.jobId,
    state: trained.state === 'completed' ? 'completed' : 'failed',
    reason: trained.reason,
    planSha256: sha256(asJson(plan)),
    model,
    parameters: [...weightsOf(network).values()].reduce((sum, { data }) => sum + data.length, 0),
    batchSize: plan.batchSize,
    weightsBytes: weights.length,
    energyJoules,
    rounds: trained.rounds.map(({ round, score, weights: after, trained: sites, evaluated, leftOut }) => ({
      round,
      score,
      seconds: Math.max(0, ...sites.map(({ ms }) => ms)) / 1000,
      weights: after,
      trained: sites.map(({ siteId, cases, steps, ms, meanLoss }) => ({ siteId, cases, steps, ms, meanLoss })),
      evaluated: evaluated.map(({ siteId, score: own }) => ({ siteId, score: own })),
      leftOut: leftOut.map(({ siteId, message }) => ({ siteId, reason: message })),
    })),
    best: trained.best,
  };
  await directory.keepRun(record);
  return record;
}

/** @throws CliError `cli.bad-experiment` */
function trainersOf({ participants }: RunSettings, all: readonly SiteId[]): readonly SiteId[] {
  if (participants === undefined) return all;
  const unknown = participants.filter((name) => !all.some((siteId) => siteId === name));
  if (unknown.length === 0) return all.filter((siteId) => participants.includes(siteId));
  throw new CliError(
    'cli.bad-experiment',
    `The experiment names ${unknown.join(', ')}; those who take part: ${all.join(', ')}.`,
  );
}

function jobTerms(settings: RunSettings) {
  const { labels, localSteps, minimumGain, patience, patientsPerSite, rounds, seed } = settings;
  const patients = patientsOf(patientsPerSite);
  return {
    rounds: { max: rounds },
    stepsPerRound: localSteps,
    stopping: { patience, minimumGain },
    seed,
    strategy: strategyOfRun(settings),
    reply: plainEncoding,
    ...(patients === null && labels === undefined
      ? {}
      : {
          selection: { seed, ...(patients === null ? {} : { patients }), ...(labels === undefined ? {} : { labels }) },
        }),
  };
}

function patientsOf(asked: RunSettings['patientsPerSite']): { count: number } | { share: number } | null {
  if (asked === 'all') return null;
  return typeof asked === 'number' ? { count: asked } : { share: Number.parseFloat(asked) / 100 };
}

function jobIdOf({ name }: Experiment, { digest }: PlannedRun): JobId {
  return jobIdSchema.parse(`${name}-${digest.slice(0, 16)}`);
}

// Test -----------------------------------------------------------------------------------------------------------------

/** Writes down that it is looked, then looks: each model once, at all sites. */
async function test(
  work: Work,
  chosen: readonly RunRecord[],
  rule: string,
): Promise<Pick<ExperimentRecord, 'ledger' | 'reliability' | 'scores'>> {
  const { directory, experiment, lookAgain, nowIso, say } = work;
  const before = await directory.ledger();
  if (chosen.length === 0) return { ledger: before, reliability: [], scores: [] };
  const models = chosen.map(({ best, configuration, digest, jobId }): TestedModel => {
    const { round, weights } = best!;
    return { configuration, runSha256: digest, jobId, round, weights, modelName: jobId };
  });
  const ledger = withLook(before, { at: nowIso(), experimentSha256: sha256(experiment), rule, models, lookAgain });
  if (ledger !== before) await directory.keepLedger(ledger);
  say(`Asking the test patients about ${chosen.length} of ${experiment.name}’s models: ${rule}`);
  const tested: Tested[] = [];
  for (const run of chosen) tested.push(await testOne(work, run));
  return {
    ...{ ledger, scores: tested.flatMap(({ scores }) => scores) },
    reliability: tested.flatMap(({ reliability }) => reliability),
  };
}

type Tested = Pick<ExperimentRecord, 'reliability' | 'scores'>;

async function testOne(work: Work, run: RunRecord): Promise<Tested> {
  const { experiment, fingerprints, host, participants, pictures = false } = work;
  const { answers } = await host.survey<'evaluate'>({
    jobId: jobIdSchema.parse(`${run.jobId}-test`),
    participants,
    task: {
      kind: 'evaluate',
      plan: asJson(planOf(run.settings, fingerprints)),
      model: run.model as never,
      weights: run.best!.weights as never,
      split: 'test',
      modelName: modelNameSchema.parse(run.jobId),
      pictures,
      ...keptAtSites(run),
    },
    ...termsOf(experiment.limits, participants),
  });
  return {
    scores: [...answers].flatMap(([siteId, { scores }]) =>
      scores.map(({ case: pseudonym, groups = {}, patient, regions }) => ({
        ...{ run: run.digest, siteId, case: pseudonym, groups, regions },
        patient: patient === undefined ? pseudonym : `patient-${patient}`,
      })),
    ),
    reliability: [...answers].flatMap(([siteId, { reliability }]) =>
      reliability === undefined ? [] : [{ run: run.digest, siteId, regions: reliability }],
    ),
  };
}

/** Of strategies that leave a part of the model at the sites, each site is tested with its own. */
function keptAtSites({ jobId, settings }: RunRecord) {
  const strategy = strategyOfRun(settings);
  const memoryOf = jobIdSchema.parse(jobId);
  if (strategy.kind === 'partial-sharing') return { keepLocal: [...strategy.keepLocal], memoryOf };
  if (strategy.kind === 'ditto' && strategy.score === 'personal') return { personal: true, memoryOf };
  return {};
}

function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
