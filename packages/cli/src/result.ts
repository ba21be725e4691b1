/** What a rehearsal leaves behind: the model, every number, and the report. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Model, weightsOf } from '@consilium/engine';
import type { SurveyOutcome } from '@consilium/federation';
import { siteProfiles } from '@consilium/phantom';
import type { SiteId } from '@consilium/protocol';
import { surfaceToleranceMm } from '@consilium/site';
import {
  metricsCsv,
  metricsJson,
  parseRecord,
  type RehearsalRecord,
  type RehearsalRecordInput,
  type RehearsalSummary,
  reportHtml,
  summaryOf,
} from '@consilium/study';
import type { Plan } from '@consilium/training';
import { writeDurably } from '@consilium/transport';
import { type Committee, workDirectoryOf } from './committee.ts';
import { writeModelFiles } from './model-files.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';
import type { CrossSiteScores, TrainedModel } from './trained-model.ts';
import { consiliumVersion } from './version.ts';

export interface Finished {
  readonly directory: string;
  readonly summary: RehearsalSummary;
}

export interface Rehearsed {
  readonly settings: RehearsalSettings;
  readonly plan: Plan;
  readonly model: Model;
  readonly committee: Committee;
  readonly survey: SurveyOutcome<'fingerprint'>;
  readonly models: readonly TrainedModel[];
  readonly scores: CrossSiteScores;
  /** Whether any patient was generated. */
  readonly synthetic: boolean;
  /** What was seen of its promises, where it was private. */
  readonly protection: readonly string[];
  readonly warnings: readonly string[];
  readonly startedAt: Date;
  readonly seconds: () => number;
  readonly command: string;
}

/**
 * `summary.json`, `report.html`, `metrics.json`, `metrics.csv`, `record.json`, and under `model/` the federated model as
 * `model.onnx` (weights inside), `weights.safetensors` and `plan.json`. `summary.json` is written last: where it is, all is.
 */
export async function writeResult(directory: string, rehearsed: Rehearsed): Promise<Finished> {
  const { committee, models, model, plan } = rehearsed;
  const federated = models.find(({ kind }) => kind === 'federated')!;
  const weights = await committee.blob(federated.outcome.best.weights);
  await writeModelFiles(join(directory, 'model'), { model, weights, plan });

  const record = parseRecord(await recordOf(directory, rehearsed));
  await writeDurably(join(directory, 'record.json'), `${JSON.stringify(record)}\n`);
  await writeDurably(join(directory, 'metrics.json'), metricsJson(record));
  await writeDurably(join(directory, 'metrics.csv'), metricsCsv(record));
  await writeDurably(join(directory, 'report.html'), await reportHtml(record));
  const summary = summaryOf(record);
  await writeDurably(join(directory, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  return { directory, summary };
}

/** The summary of a rehearsal that came to its end; null if it did not. */
export function finishedSummary(directory: string): RehearsalSummary | null {
  const path = join(directory, 'summary.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RehearsalSummary) : null;
}

async function recordOf(directory: string, rehearsed: Rehearsed): Promise<RehearsalRecordInput> {
  const { settings, plan, models, scores, startedAt } = rehearsed;
  return {
    title:
      settings.data === null
        ? `Rehearsal: ${settings.sites} simulated hospitals, one kidney-tumour model`
        : 'Rehearsal: one kidney-tumour model for several hospitals',
    synthetic: rehearsed.synthetic,
    startedAt: startedAt.toISOString(),
    seconds: rehearsed.seconds(),
    seed: settings.seed,
    software: { consilium: consiliumVersion, node: process.version },
    machine: `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB`,
    command: rehearsed.command,
    sites: sitesOf(rehearsed),
    classes: [{ value: 0, name: 'background' }, ...plan.classes],
    regions: plan.regions.map(({ name, classes }) => ({
      id: name,
      name: name.replaceAll('-', ' '),
      classes: [...classes],
    })),
    plan: planOf(rehearsed),
    toleranceMm: surfaceToleranceMm,
    scoredAgainst:
      settings.data === null
        ? 'the true anatomy of the synthetic patients'
        : 'the reference segmentations (where a case has none: the site’s own)',
    jobs: await Promise.all(models.map((trained) => jobOf(trained, rehearsed.committee))),
    scores: [...scores].flatMap(([name, bySite]) =>
      [...bySite].flatMap(([siteId, { scores: cases }]) =>
        cases.flatMap(({ case: pseudonym, patient, regions }) =>
          Object.entries(regions).map(([region, metrics]) => ({
            model: name,
            siteId,
            case: `${siteId}/${pseudonym}`,
            patient: patient === undefined ? `${siteId}/${pseudonym}` : `${siteId}/patient-${patient}`,
            region,
            dice: metrics['dice'] ?? null,
            nsd: metrics['nsd'] ?? null,
            hd95Mm: metrics['hd95Mm'] ?? null,
            volumeErrorMl: metrics['volumeErrorMl'] ?? null,
            lesionSensitivity: metrics['lesionSensitivity'] ?? null,
            falsePositives: metrics['falsePositives'] ?? null,
            brier: metrics['brier'] ?? null,
            ece: metrics['ece'] ?? null,
          })),
        ),
      ),
    ),
    reliability: [...scores].flatMap(([model, bySite]) =>
      [...bySite].flatMap(([siteId, { reliability }]) =>
        reliability === undefined ? [] : [{ model, siteId, regions: reliability }],
      ),
    ),
    pictures: await picturesOf(directory, rehearsed),
    pictureLegend: [
      { label: 'reference', colour: '#ffd400' },
      { label: 'model', colour: '#00beff' },
    ],
    protection: [...rehearsed.protection],
    warnings: [...rehearsed.warnings],
  };
}

function sitesOf({ settings, committee, survey }: Rehearsed): RehearsalRecordInput['sites'] {
  return committee.hospitals.map(({ siteId }, index) => {
    const answer = survey.answers.get(siteId);
    const lost = survey.leftOut.find((site) => site.siteId === siteId);
    const profile = siteProfiles[index];
    return {
      id: siteId,
      name: settings.data === null && profile !== undefined ? profile.name : siteId,
      studies: answer?.cases ?? { train: 0, validation: 0, test: 0 },
      excluded: [
        ...(answer?.leftOut ?? []),
        ...(lost === undefined ? [] : [{ case: 'all', code: lost.code, message: lost.message }]),
      ],
      profile: settings.data === null && profile !== undefined ? describeProfile(profile) : {},
    };
  });
}

export function describeProfile({ scanner, protocol, labelling }: (typeof siteProfiles)[number]): {
  scanner: string;
  sliceSpacingMm: string;
  contrastPhases: string;
  labelling: string;
} {
  const phases = Object.entries(protocol.phases).filter(([, share]) => share > 0);
  const offset = labelling.tumourOffsetMm;
  const habits = [
    offset > 0
      ? `draws tumours ${offset} mm too large`
      : offset < 0
        ? `draws tumours ${-offset} mm too small`
        : 'true borders',
    labelling.cysts === 'separate'
      ? 'cysts labelled'
      : `cysts ${labelling.cysts === 'ignored' ? 'ignored' : `counted as ${labelling.cysts}`}`,
    ...(labelling.drawnEvery > 1 ? [`every ${labelling.drawnEvery} slices drawn`] : []),
    ...(labelling.missedBelowMl > 0 ? [`misses tumours under ${labelling.missedBelowMl} ml`] : []),
  ];
  return {
    scanner: `${scanner.manufacturer}, ${protocol.kvp.join('/')} kVp`,
    sliceSpacingMm: String(protocol.small.sliceSpacingMm),
    contrastPhases: phases.map(([phase, share]) => `${phase} ${Math.round(share * 100)} %`).join(', '),
    labelling: habits.join('; '),
  };
}

const networkNames: Readonly<Record<Plan['network']['kind'], string>> = {
  unet: 'U-Net',
  'residual-encoder-unet': 'residual-encoder U-Net',
  segresnet: 'SegResNet',
};
const lossNames: Readonly<Record<Plan['loss']['terms'][number]['kind'], string>> = {
  dice: 'soft Dice',
  'cross-entropy': 'cross-entropy',
  focal: 'focal loss',
  tversky: 'Tversky loss',
};
const optimiserNames: Readonly<Record<Plan['optimiser']['kind'], string>> = {
  sgd: 'SGD with Nesterov momentum',
  adam: 'Adam',
  adamw: 'AdamW',
};

export function planOf({
  settings,
  plan,
  model,
}: Pick<Rehearsed, 'settings' | 'plan' | 'model'>): RehearsalRecordInput['plan'] {
  return {
    network: `${networkNames[plan.network.kind]}, channels ${plan.network.channels.join('-')}`,
    parameterCount: [...weightsOf(model).values()].reduce((sum, { data }) => sum + data.length, 0),
    spacingMm: [...plan.spacingMm],
    patchSize: [...plan.patchSize],
    batchSize: plan.batchSize,
    loss: plan.loss.terms.map(({ kind }) => lossNames[kind]).join(' and '),
    optimiser: optimiserNames[plan.optimiser.kind],
    aggregation: settings.private
      ? 'FedAvg, weighted by training cases, of masked weights of which only sums are seen'
      : 'FedAvg, weighted by training cases',
    stepsPerRound: settings.steps,
    roundsMax: settings.rounds,
    patience: settings.patience,
    minimumGain: settings.minimumGain,
  };
}

async function jobOf(
  { name, kind, siteId, outcome }: TrainedModel,
  committee: Committee,
): Promise<RehearsalRecordInput['jobs'][number]> {
  const weights = await committee.blob(outcome.best.weights);
  return {
    id: name,
    kind,
    ...(siteId === undefined ? {} : { siteId }),
    rounds: outcome.rounds.map(({ round, score, trained, evaluated, leftOut }) => ({
      round,
      seconds: Math.max(0, ...trained.map(({ ms }) => ms)) / 1000,
      trainLoss: Object.fromEntries(trained.map((site) => [site.siteId, site.meanLoss])),
      validation: { mean: score, sites: Object.fromEntries(evaluated.map((site) => [site.siteId, site.score])) },
      contributors: trained.map((site) => site.siteId),
      leftOut: leftOut.map((site) => ({ siteId: site.siteId, reason: site.message })),
    })),
    stopReason: outcome.reason.text,
    bestRound: outcome.best.round,
    weightsSha256: createHash('sha256').update(weights).digest('hex'),
  };
}

/** The best, the median and the worst test case of the federated model, drawn by the sites in their own directories. */
async function picturesOf(directory: string, { scores, plan }: Rehearsed): Promise<RehearsalRecord['pictures']> {
  const drawn = [...(scores.get('federated') ?? new Map<SiteId, never>())]
    .flatMap(
      ([siteId, answer]: [
        SiteId,
        {
          scores: readonly {
            case: string;
            regions: Record<string, Record<string, number | null>>;
            pictures: readonly string[];
          }[];
        },
      ]) => answer.scores.map((each) => ({ siteId, ...each, dice: meanDice(each.regions, plan) })),
    )
    .filter((each): each is typeof each & { dice: number } => each.dice !== null && each.pictures.length > 0)
    .sort((one, other) => other.dice - one.dice);
  const chosen = (['best', 'median', 'worst'] as const).flatMap((kind, index) => {
    const at = drawn[Math.round((index / 2) * (drawn.length - 1))];
    return at === undefined ? [] : [{ kind, ...at }];
  });
  return Promise.all(
    chosen.map(async ({ kind, siteId, case: pseudonym, dice, pictures }) => ({
      kind,
      siteId,
      case: `${siteId}/${pseudonym}`,
      dice,
      caption: 'Slice with the largest tumour; abdominal window (40/400 HU).',
      png: (await readFile(join(workDirectoryOf(directory, siteId), 'pictures', pictures[0]!))).toString('base64'),
    })),
  );
}

function meanDice(regions: Readonly<Record<string, Record<string, number | null>>>, plan: Plan): number | null {
  const dice = plan.regions.map(({ name }) => regions[name]?.['dice'] ?? null).filter((value) => value !== null);
  return dice.length === 0 ? null : dice.reduce((sum, value) => sum + value, 0) / dice.length;
}
