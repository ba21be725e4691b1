/** The publication of a full rehearsal: the model of corrected proposals with the project’s report, as a signed crate. */
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSource } from '@consilium/archive';
import {
  aboutOfRehearsal,
  checkCrate,
  keyIdOf,
  newDirectory,
  openTree,
  publishModel,
  readOrCreateKey,
  readPublishedModel,
} from '@consilium/publication';
import { CliError } from '../cli-error.ts';
import { readRecord, rehearsalOptions, resultFiles } from '../published-result.ts';
import { projectFiles } from './project-files.ts';

/** Where it lies in a rehearsal’s directory. */
const publicationName = 'publication';

/** Of a rehearsal whose record and report are there. @returns which key has signed it. */
export async function publishProject(directory: string, experiments: readonly string[]): Promise<string> {
  const model = await readPublishedModel(await openTree(directory, fileSource, { levels: 2 }));
  const record = await readRecord(directory);
  const extras = await resultFiles(directory, { experiments, audit: [], measures: [], sbom: undefined });
  const rehearsal = rehearsalOptions(directory, record);
  const out = join(directory, publicationName);
  const draft = `${out}.draft`;
  await rm(draft, { recursive: true, force: true });
  const { key } = await readOrCreateKey(join(directory, 'publication-key'));
  const { manifest } = await publishModel(
    await newDirectory(draft),
    {
      ...{ about: aboutOfRehearsal(record), model, record, rehearsal, withPictures: true },
      extras: [...extras, ...(await projectExtras(directory))],
      software: record?.software ?? {},
    },
    key,
  );
  const { faults } = await checkCrate(await openTree(draft, fileSource), keyIdOf(manifest));
  if (faults.length > 0)
    throw new CliError('cli.job-failed', `${draft} was altered while it was published. Go on with --resume.`);
  await rm(out, { recursive: true, force: true });
  await rename(draft, out);
  return keyIdOf(manifest);
}

async function projectExtras(directory: string) {
  const of = async (path: string, name: string) => ({
    ...{ path: `methodology/${path}`, name },
    bytes: new Uint8Array(await readFile(join(directory, path))),
  });
  return [
    await of(projectFiles.project, 'Record of the project: both phases, all experiments'),
    { ...(await of(projectFiles.report, 'Report of the project')), path: 'methodology/project-report.html' },
  ];
}
