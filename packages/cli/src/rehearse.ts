/**
 * A whole project on one machine, from patients to report. Reads top to bottom: patients, plan, training, test, result.
 * Every step is durable when it is done; calling it again on the same directory goes on where it was.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel, type Model, weightsOf } from '@consilium/engine';
import type { SurveyOutcome } from '@consilium/federation';
import { encodeSafetensors } from '@consilium/numerics';
import { type Json, modelNameSchema, type SiteId, siteIdSchema } from '@consilium/protocol';
import { CliError } from './cli-error.ts';
import { type Committee, type Hospital, openCommittee, pooledSiteId, workDirectoryOf } from './committee.ts';
import { JobWatch } from './job-watch.ts';
import { describePlan, networkFor, planFor } from './network-plan.ts';
import { holdsSynthetic, hospitalsIn } from './own-data.ts';
import { makePhantoms, siteDirectory } from './phantom-command.ts';
import { PrivateRehearsal } from './private-rehearsal.ts';
import type { Progress } from './progress.ts';
import { protectionText } from './protection.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';
import { type Finished, writeResult } from './result.ts';
import type { CrossSiteScores, TrainedModel } from './trained-model.ts';

export interface RehearsalContext {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** What was typed, for the report. */
  readonly command: string;
  /** Whether this goes on with work of an earlier run. */
  readonly resumed: boolean;
}

export async function rehearse(
  directory: string,
  settings: RehearsalSettings,
  { progress, signal, command, resumed }: RehearsalContext,
): Promise<Finished> {
  const startMs = performance.now();
  const startedAt = new Date();
  const patients = await gatherPatients(directory, settings, { progress, signal });
  const found = settings.private ? withRefusing(patients) : patients;
  // A pooled and a federated job are as much work as all sites' own jobs together.
  const shareOf = (jobId: string) =>
    settings.private ? 1 : jobId.startsWith('local-') ? 1 / (3 * found.length) : 1 / 3;
  const watch = new JobWatch(progress, { shareOf });
  if (resumed) watch.warn('The rehearsal was interrupted and resumed: the time is that of its last part.');
  const privately = settings.private ? new PrivateRehearsal(directory, settings, found) : null;
  await using committee = await openCommittee(directory, found, settings, {
    ...{ signal, privately, onEvent: watch.onEvent },
  });

  progress.show({ type: 'stage', text: 'Planning: each hospital describes its data in numbers' });
  const survey = await surveyHospitals(committee, settings);
  const described = await committee.decide('described', [...survey.answers.keys()]);
  const fingerprints = described.map((siteId) => survey.answers.get(siteId)!.fingerprint);
  const plan = planFor(fingerprints, {
    memoryBudgetMb: settings.memoryBudgetMb,
    size: settings.detail === 'full' ? 'full' : 'small',
  });
  const model = networkFor(plan, settings.seed);
  progress.show({ type: 'stage', text: `Plan: ${describePlan(plan, model)}` });
  const planJson = JSON.parse(JSON.stringify(plan)) as Json;
  reportExclusions(survey, directory, watch);
  const prepared = await committee.survey(
    'prepare',
    privately === null ? [...described, pooledSiteId] : described,
    { kind: 'prepare', plan: planJson },
    settings.minimumSites,
  );
  const ready = await committee.decide('ready', [...prepared.answers.keys()]);
  const participants = ready.filter((siteId) => siteId !== pooledSiteId);
  const work: Work = { settings, plan: planJson, model, participants, watch };

  const models =
    privately === null
      ? await trainCompared(committee, work, { progress, withPooled: ready.includes(pooledSiteId) })
      : await trainPrivately(committee, work, { progress, privately, survey });

  progress.show({ type: 'stage', text: 'Test: every model on every hospital’s test patients, once' });
  const scores = await testAll(
    committee,
    privately === null ? work : { ...work, participants: trainedIn(models) },
    models,
  );
  const protection = privately === null ? null : await privately.conclude(models[0]!.outcome);

  progress.show({ type: 'stage', text: 'Report' });
  return writeResult(directory, {
    settings,
    plan,
    model,
    committee,
    survey,
    models,
    scores,
    synthetic: settings.data === null || (await holdsSynthetic(found)),
    protection: protection === null ? [] : protectionText(protection),
    warnings: watch.warnings,
    startedAt,
    seconds: () => (performance.now() - startMs) / 1000,
    command,
  });
}

/** The hospitals and where their studies lie: synthetic ones made now, or the subdirectories of `--data`. */
export async function gatherPatients(
  directory: string,
  settings: RehearsalSettings,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<Hospital[]> {
  if (settings.data !== null) return hospitalsIn(settings.data, settings);
  const data = join(directory, 'data');
  progress.show({
    type: 'stage',
    text: `${settings.sites} simulated hospitals, ${settings.studies} synthetic patients each`,
  });
  await makePhantoms(
    { ...settings, directory: data, studiesPerSite: settings.studies },
    {
      processes: 2,
      signal,
      onStudy: (done, of) => progress.show({ type: 'count', what: 'synthetic studies', done, of }),
    },
  );
  return Array.from({ length: settings.sites }, (_, index) => ({
    siteId: siteIdSchema.parse(`site-${index + 1}`),
    directory: siteDirectory(data, index),
  }));
}

/** Somebody has to refuse: whoever holds the first hospital’s patients a second time, and is left out before they count. */
function withRefusing(hospitals: readonly Hospital[]): Hospital[] {
  const siteId = siteIdSchema.parse(`site-${hospitals.length + 1}`);
  const name = hospitals.some((each) => each.siteId === siteId) ? siteIdSchema.parse(`${siteId}-refusing`) : siteId;
  return [...hospitals, { ...hospitals[0]!, siteId: name }];
}

type HospitalSurvey = SurveyOutcome<'fingerprint'>;

async function surveyHospitals(committee: Committee, settings: RehearsalSettings): Promise<HospitalSurvey> {
  const participants = committee.hospitals.map(({ siteId }) => siteId);
  return committee.survey('fingerprint', participants, { kind: 'fingerprint' }, settings.minimumSites);
}

/** On one machine whoever runs the rehearsal may know which files are meant: the sites' own lists say it. */
function reportExclusions({ answers }: HospitalSurvey, directory: string, watch: JobWatch): void {
  for (const [siteId, { leftOut }] of answers) {
    const work = workDirectoryOf(directory, siteId);
    for (const { case: pseudonym, message } of leftOut) {
      watch.warn(`${siteId} leaves out ${caseName(work, pseudonym)}: ${message} (More in ${join(work, 'log.jsonl')})`);
    }
  }
}

function caseName(workDirectory: string, pseudonym: string): string {
  const { cases } = JSON.parse(readFileSync(join(workDirectory, 'cohort.json'), 'utf8')) as {
    cases: readonly { pseudonym: string; case: string }[];
  };
  return cases.find((each) => each.pseudonym === pseudonym)?.case ?? pseudonym;
}

interface Work {
  readonly settings: RehearsalSettings;
  readonly plan: Json;
  readonly model: Model;
  readonly participants: readonly SiteId[];
  readonly watch: JobWatch;
}

/**
 * Three kinds of model by the same code: a job of all sites, a job of each site alone, and a job of the one site that
 * holds everything. All get the same number of gradient steps a study: a pooled round is as long as all sites' together.
 * Without the federated model there is nothing to report; a comparison that fails is left out with a warning.
 */
async function trainCompared(
  committee: Committee,
  work: Work,
  { progress, withPooled }: { readonly progress: Progress; readonly withPooled: boolean },
): Promise<TrainedModel[]> {
  progress.show({ type: 'stage', text: 'Training: the federated model, every hospital alone, and all data pooled' });
  progress.advance(0);
  const { settings, participants, watch } = work;
  const start = startOf(work);
  const job = (jobId: string, sites: readonly SiteId[], stepsPerRound: number) =>
    committee.train({ ...start, jobId, participants: sites, stepsPerRound });
  const compared = async (made: Omit<TrainedModel, 'outcome'>, sites: readonly SiteId[], stepsPerRound: number) => {
    try {
      return [{ ...made, outcome: await job(made.name, sites, stepsPerRound) }];
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      watch.warn(`There is no model ${made.name}: ${error.message}`);
      return [];
    }
  };
  const pooled = withPooled
    ? compared({ name: 'pooled', kind: 'pooled' }, [pooledSiteId], settings.steps * participants.length)
    : Promise.resolve([]);
  pooled.catch(() => {}); // awaited below, after the others
  const federated = await job('federated', participants, settings.steps);
  const locals = await Promise.all(
    participants.map((siteId) =>
      compared({ name: `local-${siteId}`, kind: 'local', siteId }, [siteId], settings.steps),
    ),
  );
  return [{ name: 'federated', kind: 'federated', outcome: federated }, ...locals.flat(), ...(await pooled)];
}

/** One job alone: what a hospital trains by itself, or all data in one place, no rule of these hospitals would allow. */
async function trainPrivately(
  committee: Committee,
  work: Work,
  { progress, privately, survey }: { progress: Progress; privately: PrivateRehearsal; survey: HospitalSurvey },
): Promise<TrainedModel[]> {
  const { participants, settings } = work;
  const trainingCases = participants.map((siteId) => survey.answers.get(siteId)!.cases.train);
  const protection = privately.jobProtection(trainingCases);
  progress.show({ type: 'stage', text: `Training: one model, seen by nobody but in sums of ${privately.threshold}` });
  progress.advance(0);
  const outcome = await committee.train({
    ...{ ...startOf(work), jobId: 'federated', participants, stepsPerRound: settings.steps, protection },
  });
  return [{ name: 'federated', kind: 'federated', outcome }];
}

function startOf({ plan, model }: Work) {
  return { plan, model: encodeModel(model), initialWeights: encodeSafetensors(weightsOf(model)) };
}

/** Whoever was in any round. */
function trainedIn(models: readonly TrainedModel[]): readonly SiteId[] {
  const rounds = models.flatMap(({ outcome }) => outcome.rounds);
  return [...new Set(rounds.flatMap(({ trained }) => trained.map(({ siteId }) => siteId)))].sort();
}

async function testAll(
  committee: Committee,
  { settings, plan, model, participants }: Work,
  models: readonly TrainedModel[],
): Promise<CrossSiteScores> {
  const modelSha256 = await committee.putBlob(encodeModel(model));
  const tested = models.map(async ({ name, kind, outcome }) => {
    const { answers } = await committee.survey(
      `test-${name}`,
      participants,
      {
        kind: 'evaluate',
        plan,
        model: modelSha256,
        weights: outcome.best.weights,
        split: 'test',
        modelName: modelNameSchema.parse(name),
        pictures: kind === 'federated',
      },
      settings.minimumSites,
    );
    return [name, answers] as const;
  });
  return new Map(await Promise.all(tested));
}
