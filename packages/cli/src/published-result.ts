/** What lies in the directory of a rehearsal, or of a job's result, as far as it can be published. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileSource } from '@consilium/archive';
import { AuditReader } from '@consilium/audit';
import type { InstanceSource } from '@consilium/imaging';
import {
  type About,
  aboutOfRehearsal,
  type CrateFile,
  experimentFiles,
  openTree,
  parseAbout,
} from '@consilium/publication';
import { labelEffort, parseMeasures, parseRecord, type RehearsalRecord } from '@consilium/study';
import { parseDocument } from 'yaml';
import { CliError } from './cli-error.ts';
import { examplePage } from './console-pages.ts';
import { optionName, type RehearsalSettings, rehearsalDefaults } from './rehearsal-settings.ts';

export interface ResultParts {
  readonly experiments: readonly string[];
  /** Of coordinators, sites or archives elsewhere. */
  readonly audit: readonly string[];
  /** Of reading rooms, one a site, called as the site. */
  readonly measures: readonly string[];
  readonly sbom: string | undefined;
}

/** Experiments, rounds, what drawing cost, checkpoints of logs, software, and the page that segments in a browser. */
export async function resultFiles(
  directory: string,
  { audit, experiments, measures, sbom }: ResultParts,
): Promise<CrateFile[]> {
  const logs = [
    ...(existsSync(join(directory, 'coordinator', 'audit')) ? [join(directory, 'coordinator')] : []),
    ...globSync('sites/*', { cwd: directory })
      .sort()
      .map((path) => join(directory, path)),
    ...audit,
  ].filter((path) => existsSync(join(path, 'audit', 'log.sqlite')));
  return [
    ...(await Promise.all(experiments.map(publishedExperiment))).flat(),
    ...logs.flatMap((path) => checkpointFiles(path)),
    ...(await roundFiles(directory)),
    ...(await effortFiles(measures)),
    ...(await examplePageFiles()),
    ...(sbom === undefined ? [] : [await sbomFile(sbom)]),
  ];
}

/**
 * What the people say, or, for a rehearsal on synthetic patients, what can be said without them.
 * @throws PublicationError `publication.about-missing`, `publication.about-malformed`
 */
export async function readAbout(path: string | undefined, record: RehearsalRecord | undefined): Promise<About> {
  return path === undefined ? aboutOfRehearsal(record) : parseAbout(await readYaml(path));
}

/** What is no YAML is handed on as text, for the schema to refuse. */
export async function readYaml(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await (await openOne(path)).read());
  const document = parseDocument(text);
  return document.errors.length > 0 ? text : document.toJS();
}

async function openOne(path: string): Promise<InstanceSource> {
  const [source] = (await openTree(path, fileSource, { levels: 1 })).values();
  if (source !== undefined) return source;
  throw new CliError('cli.bad-option', `${path} is not a file.`);
}

/** Of the work; undefined of a job between hospitals, which has none. */
export async function readRecord(directory: string): Promise<RehearsalRecord | undefined> {
  const path = join(directory, 'record.json');
  return existsSync(path) ? parseRecord(JSON.parse(await readFile(path, 'utf8'))) : undefined;
}

/** Options of `consilium rehearse`; undefined unless all patients were synthetic. */
export function rehearsalOptions(
  directory: string,
  record: RehearsalRecord | undefined,
): readonly string[] | undefined {
  const path = join(directory, 'rehearsal.json');
  if (record?.synthetic !== true || !existsSync(path)) return undefined;
  const settings = JSON.parse(readFileSync(path, 'utf8')) as RehearsalSettings;
  if (settings.data !== null) return undefined;
  const ofPrivate: readonly string[] = ['mechanism', 'epsilon', 'clipNorm', 'threshold'];
  return Object.keys(rehearsalDefaults).flatMap((name) => {
    const value = settings[name as keyof RehearsalSettings];
    if (value === null || value === undefined || value === false) return [];
    if (!settings.private && ofPrivate.includes(name)) return [];
    return value === true ? [optionName(name)] : [optionName(name), String(value)];
  });
}

/** The page that segments in a browser, with ONNX Runtime's WebAssembly: nothing of it comes from elsewhere. */
async function examplePageFiles(): Promise<CrateFile[]> {
  const pages = examplePage();
  const found = globSync('**/*', { cwd: pages, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => relative(pages, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  return Promise.all(
    paths.sort().map(async (path) => ({
      path: `examples/browser/${path}`,
      name: `Example in the browser: ${path}`,
      bytes: new Uint8Array(await readFile(join(pages, path))),
    })),
  );
}

/** The heads of a log and its public key: what it came to, not what is in it. */
function checkpointFiles(directory: string): CrateFile[] {
  const name = basename(directory);
  using reader = AuditReader.open(join(directory, 'audit'));
  return [
    {
      path: `audit/${name}/head.json`,
      name: `Signed head of the audit log of ${name}`,
      bytes: Buffer.from(`${JSON.stringify(reader.head, null, 2)}\n`),
    },
    {
      path: `audit/${name}/public.pem`,
      name: `Public key of the audit log of ${name}`,
      bytes: new Uint8Array(readFileSync(join(directory, 'audit', 'public.pem'))),
    },
  ];
}

async function publishedExperiment(directory: string): Promise<CrateFile[]> {
  return experimentFiles(basename(directory), await openTree(directory, fileSource, { levels: 2 }));
}

/** Of a job between hospitals: rounds with who took part. */
async function roundFiles(directory: string): Promise<CrateFile[]> {
  const path = join(directory, 'rounds.json');
  if (!existsSync(path)) return [];
  return [{ path: 'methodology/rounds.json', name: 'Rounds of the job', bytes: new Uint8Array(await readFile(path)) }];
}

/** What drawing cost, summed up: neither readers nor cases. */
async function effortFiles(measures: readonly string[]): Promise<CrateFile[]> {
  if (measures.length === 0) return [];
  const read = measures.map(async (path) => [basename(path, '.json'), parseMeasures(await readYaml(path))] as const);
  const effort = labelEffort(Object.fromEntries(await Promise.all(read)));
  return [
    {
      path: 'methodology/label-effort.json',
      name: 'Minutes and edits of drawing, by hand and with a model’s help',
      bytes: Buffer.from(`${JSON.stringify(effort, null, 2)}\n`),
    },
  ];
}

async function sbomFile(path: string): Promise<CrateFile> {
  return {
    path: 'environment/sbom.cdx.json',
    name: 'Software bill of materials, CycloneDX',
    encodingFormat: 'application/vnd.cyclonedx+json',
    bytes: await (await openOne(path)).read(),
  };
}
