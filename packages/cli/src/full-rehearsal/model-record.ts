/**
 * The model of corrected proposals as the record of a rehearsal with one federated job: what a publication makes its cards and
 * tables from.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeModel, type Model } from '@consilium/engine';
import { surfaceToleranceMm } from '@consilium/site';
import { type ProjectRecord, parseRecord, type RehearsalRecord } from '@consilium/study';
import { bundleFiles, type Plan, parsePlan } from '@consilium/training';
import type { RehearsalSettings } from '../rehearsal-settings.ts';
import { planOf } from '../result.ts';

const kinds = ['best', 'median', 'worst'] as const;

/** @param folder of the model's files. */
export async function modelRecord(
  record: ProjectRecord,
  { folder, settings }: { readonly folder: string; readonly settings: RehearsalSettings },
): Promise<RehearsalRecord> {
  const { model, plan } = await modelAndPlan(folder);
  const { labels } = record.experiments;
  const { id } = labels.configurations.at(-1)!;
  const run = labels.runs.find(({ configuration }) => configuration === id)!;
  const [look] = labels.ledger.looks;
  return parseRecord({
    ...{ title: record.title, synthetic: record.synthetic, seed: record.seed, software: record.software },
    ...{ startedAt: look!.at, seconds: record.stages.reduce((sum, { seconds }) => sum + seconds, 0) },
    ...{ machine: record.machine, command: record.command, warnings: record.warnings },
    sites: record.sites.map(({ flow, id: siteId, name, profile }) => ({
      ...{ id: siteId, name, studies: flow.split, profile },
    })),
    classes: [{ value: 0, name: 'background' }, ...plan.classes],
    regions: plan.regions.map(({ classes, name }) => ({
      ...{ id: name, name: name.replaceAll('-', ' '), classes: [...classes] },
    })),
    plan: planOf({ settings, plan, model }),
    ...{ toleranceMm: surfaceToleranceMm, scoredAgainst: record.scoredAgainst },
    jobs: [
      {
        ...{ id: 'federated', kind: 'federated', stopReason: run.reason },
        rounds: run.rounds.map(({ evaluated, leftOut, round, score, seconds, trained }) => ({
          ...{ round, seconds, leftOut, contributors: trained.map(({ siteId }) => siteId) },
          trainLoss: Object.fromEntries(trained.map(({ meanLoss, siteId }) => [siteId, meanLoss])),
          validation: { mean: score, sites: Object.fromEntries(evaluated.map((one) => [one.siteId, one.score])) },
        })),
        ...{ bestRound: run.best!.round, weightsSha256: run.best!.weights },
      },
    ],
    scores: labels.scores
      .filter((score) => score.run === run.digest)
      .flatMap(({ case: name, patient, regions, siteId }) =>
        Object.entries(regions).map(([region, metrics]) => ({
          ...{ model: 'federated', siteId, region, case: `${siteId}/${name}`, patient: `${siteId}/${patient}` },
          ...{ dice: metrics['dice'] ?? null, nsd: metrics['nsd'] ?? null, hd95Mm: metrics['hd95Mm'] ?? null },
          volumeErrorMl: metrics['volumeErrorMl'] ?? null,
          lesionSensitivity: metrics['lesionSensitivity'] ?? null,
          falsePositives: metrics['falsePositives'] ?? null,
          ...{ brier: metrics['brier'] ?? null, ece: metrics['ece'] ?? null },
        })),
      ),
    reliability: labels.reliability
      .filter((one) => one.run === run.digest)
      .map(({ regions, siteId }) => ({ model: 'federated', siteId, regions })),
    pictures: record.pictures.slice(0, 1).map(({ caption, case: name, dice, png, siteId }) => ({
      ...{ siteId, case: `${siteId}/${name}`, kind: kinds[2], png, dice, caption },
    })),
    pictureLegend: record.pictureLegend,
  });
}

/** As `consilium job result` writes them. */
export async function modelAndPlan(folder: string): Promise<{ readonly model: Model; readonly plan: Plan }> {
  return {
    model: decodeModel(await readFile(join(folder, bundleFiles.model))),
    plan: parsePlan(JSON.parse(await readFile(join(folder, bundleFiles.plan), 'utf8'))),
  };
}
