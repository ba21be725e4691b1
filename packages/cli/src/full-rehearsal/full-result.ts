/** What a full rehearsal leaves: records, the report, the publication, and `summary.json`, last: where it is, all is. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { AuditReader } from '@consilium/audit';
import { siteProfiles } from '@consilium/phantom';
import {
  type ExperimentRecord,
  type ProjectRecord,
  type ProjectRecordInput,
  type ProjectSummary,
  parseProjectRecord,
  projectReportHtml,
  projectSummary,
} from '@consilium/study';
import { writeDurably } from '@consilium/transport';
import type { RehearsalSettings } from '../rehearsal-settings.ts';
import { describeProfile, planOf } from '../result.ts';
import { consiliumCommit, consiliumVersion } from '../version.ts';
import type { FullyRehearsed } from './full-rehearsal.ts';
import { modelAndPlan, modelRecord } from './model-record.ts';
import { projectFiles } from './project-files.ts';
import { publishProject } from './project-publication.ts';
import { readerConstants, readerModelText } from './reader-model.ts';
import { structures } from './simulated-readers.ts';

/** Worst cases that are shown. */
const picturesMax = 6;

export async function writeProject(rehearsed: FullyRehearsed): Promise<ProjectSummary> {
  const { directory, settings } = rehearsed;
  const record = parseProjectRecord(await recordOf(rehearsed));
  const write = (name: string, value: unknown) => writeDurably(join(directory, name), `${JSON.stringify(value)}\n`);
  await write(projectFiles.project, record);
  await write(projectFiles.record, await modelRecord(record, { folder: join(directory, 'model'), settings }));
  await writeReport(directory, record);
  await publishProject(directory, rehearsed.experimentDirectories);
  const summary = projectSummary(record);
  await writeDurably(join(directory, projectFiles.summary), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

export async function writeReport(directory: string, record: ProjectRecord): Promise<string> {
  const path = join(directory, projectFiles.report);
  await writeDurably(path, await projectReportHtml(record));
  return path;
}

/** Null where the rehearsal has not come to its end. */
export function finishedProject(directory: string): ProjectSummary | null {
  const path = join(directory, projectFiles.summary);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ProjectSummary) : null;
}

async function recordOf(rehearsed: FullyRehearsed): Promise<ProjectRecordInput> {
  const { command, directory, experiments, settings, sites, stages, warnings } = rehearsed;
  const commit = consiliumCommit();
  const studies = `${settings.sites} hospitals with ${settings.studies} phantoms each`;
  return {
    ...{ version: 1, title: `Rehearsal of the whole project: ${studies}`, synthetic: true, seed: settings.seed },
    software: { consilium: consiliumVersion, ...(commit === null ? {} : { commit }), node: process.version },
    machine: `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB`,
    command,
    sites: sites.map(({ first, second, siteId }, index) => ({
      ...{ id: siteId, name: siteProfiles[index]!.name, profile: describeProfile(siteProfiles[index]!) },
      ...{ flow: first.flow, gate: second.gate },
    })),
    structures: Object.entries(structures).map(([name, number]) => ({
      ...{ number, name: name.replace(/^./, (letter) => letter.toUpperCase()) },
    })),
    plan: await planText(directory, settings),
    scoredAgainst: 'the true anatomy of the synthetic patients, which only a rehearsal knows',
    readings: sites.flatMap(({ first, second }) => [...first.readings, ...second.readings]),
    readerModel: { text: readerModelText, constants: [...readerConstants] },
    experiments: {
      ...{ phaseOne: experiments['phase-one'], labels: experiments.labels },
      ...{ studies: experiments.studies, alone: experiments.alone },
    },
    ...ledgerOf(directory, Object.values(experiments)),
    pictures: await picturesOf(rehearsed),
    pictureLegend: [
      { label: 'reference', colour: '#ffd400' },
      { label: 'model', colour: '#00beff' },
    ],
    ...{ stages: [...stages], warnings: [...warnings] },
  };
}

async function planText(directory: string, settings: RehearsalSettings): Promise<string> {
  const { model, plan } = await modelAndPlan(join(directory, 'model'));
  const { loss, network, optimiser, patchSize, spacingMm } = planOf({ settings, plan, model });
  const spacing = spacingMm.map((mm) => Number(mm.toFixed(2))).join(' × ');
  return `${network}; voxels of ${spacing} mm and patches of ${patchSize.join(' × ')} of them (z, y, x); ${loss}; ${optimiser}`;
}

/** Where the coordinator has written down that each job was asked for. */
function ledgerOf(
  directory: string,
  experiments: readonly ExperimentRecord[],
): Pick<ProjectRecordInput, 'jobs' | 'ledger'> {
  using reader = AuditReader.open(join(directory, 'coordinator/audit'));
  const { log, root, size } = reader.head;
  const jobIds = [...new Set(experiments.flatMap(({ runs }) => runs.map(({ jobId }) => jobId)))].sort();
  return {
    ledger: { entries: size, rootSha256: root, keySha256: log },
    jobs: jobIds.map((jobId) => {
      const [entry] = reader.entries({ action: 'job.submitted', about: jobId, last: 1 });
      return { jobId, ledgerEntry: entry?.number ?? null };
    }),
  };
}

/** Of the model of corrected proposals, as the sites have drawn them for themselves. */
async function picturesOf({ experiments: { labels }, sites }: FullyRehearsed): Promise<ProjectRecordInput['pictures']> {
  const { id } = labels.configurations.at(-1)!;
  const run = labels.runs.find(({ configuration }) => configuration === id)!;
  const scored = labels.scores
    .filter((score) => score.run === run.digest)
    .map((score) => {
      const values = Object.values(score.regions).flatMap(({ dice }) => dice ?? []);
      return { ...score, dice: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length) };
    })
    .sort((one, other) => one.dice - other.dice || (one.case < other.case ? -1 : 1))
    .slice(0, picturesMax);
  const drawn = scored.map(async ({ case: name, dice, siteId }, index) => {
    const { picturesDirectory } = sites.find((site) => site.siteId === siteId)!;
    const path = join(picturesDirectory, `${run.jobId}-${name}.png`);
    const png = (await readFile(path)).toString('base64');
    const caption = 'Slice with the largest tumour; abdominal window (40/400 HU).';
    return { siteId, case: name, rank: index + 1, dice, caption, png };
  });
  return Promise.all(drawn);
}
