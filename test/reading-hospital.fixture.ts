/**
 * A hospital with a PACS (Orthanc), an archive as a process of its own with a reading room, people in it who log in, and
 * synthetic patients; beside it a coordinator, and a site that trains on what was approved.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GraphBuilder, type Model } from '@consilium/engine';
import { tensor } from '@consilium/numerics';
import { encodeBundle, noAugmentation, type Plan, parsePlan } from '@consilium/training';
import { type Orthanc, startOrthanc } from '../packages/reading/src/orthanc.fixture.ts';
import type { CommandProcess } from './command.fixture.ts';
import { freePort } from './free-port.fixture.ts';
import { ServicesProject } from './services-project.fixture.ts';

const code = (value: string, meaning: string) => ({ value, scheme: 'SCT', meaning });
/** Kidneys with their masses; readers are held to agree. No form: clients of MONAI Label know none. */
const protocol = {
  title: 'Renal mass',
  structures: [
    {
      ...{ number: 1, name: 'Kidney', colour: '#e0803a' },
      ...{ category: code('91723000', 'Anatomical Structure'), type: code('64033007', 'Kidney') },
    },
    {
      ...{ number: 2, name: 'Tumour', colour: '#40c0e0' },
      ...{ category: code('49755003', 'Morphologically Abnormal Structure'), type: code('108369006', 'Neoplasm') },
    },
    {
      ...{ number: 3, name: 'Cyst', colour: '#c040e0' },
      ...{ category: code('49755003', 'Morphologically Abnormal Structure'), type: code('367643001', 'Cyst') },
    },
  ],
};
const people = {
  anna: 'reader',
  boris: 'reader',
  adele: 'adjudicator',
  rita: 'reviewer',
} as const satisfies Record<string, string>;
export type Person = keyof typeof people;

const projectName = 'renal';

/** A series in the archive, and whose it is in the PACS. */
export interface Arrived {
  readonly series: string;
  readonly inPacs: { readonly PatientID: string; readonly PatientName: string; readonly StudyInstanceUID: string };
}

interface ReadingCase {
  readonly caseId: string;
  readonly tasks: readonly string[];
}

export class ReadingHospital implements AsyncDisposable {
  readonly commands: ServicesProject;
  readonly orthanc: Orthanc;
  /** Of the archive. */
  readonly url: string;
  readonly #tokens = new Map<string, string>();
  readonly #root: string;
  #archive: CommandProcess | undefined;

  static async open(root: string): Promise<ReadingHospital> {
    const commands = new ServicesProject(root, { ownGroups: true });
    const orthanc = await startOrthanc();
    const [webPort, dicomPort] = [await freePort(), await freePort()];
    const hospital = new ReadingHospital(commands, { orthanc, root, url: `http://127.0.0.1:${webPort}` });
    await commands.told('archive', 'init', '--directory', 'archive', '--project', 'kidney', '--dicom-port', '0');
    const settings = {
      ...{ project: 'kidney', settleMs: 100, web: { port: webPort } },
      dicom: { port: dicomPort, peers: [{ name: 'pacs', aeTitle: 'PACS', addresses: ['127.0.0.1'] }] },
      remotes: [{ kind: 'dicomweb', name: 'pacs', url: `${orthanc.url}/dicom-web`, receivesLabels: true }],
      monaiLabel: { project: projectName },
    };
    writeFileSync(join(root, 'archive/archive.yaml'), JSON.stringify(settings));
    await orthanc.rest('PUT', '/modalities/archive', { AET: 'CONSILIUM', Host: '127.0.0.1', Port: dicomPort });
    await commands.run('phantom', 'patients', '--sites', '2', '--studies', '3', '--format', 'dicom');
    await hospital.startArchive();
    for (const [name, role] of Object.entries(people)) {
      const { password } = await commands.told('people', 'add', name, '--roles', role, '--directory', 'archive');
      hospital.firstPasswords.set(name as Person, password);
    }
    await hospital.ask('console', '', { ...protocol }, 'PUT');
    return hospital;
  }

  /** As `consilium people add` showed them. */
  readonly firstPasswords = new Map<Person, string>();

  private constructor(commands: ServicesProject, parts: { orthanc: Orthanc; root: string; url: string }) {
    this.commands = commands;
    this.orthanc = parts.orthanc;
    this.url = parts.url;
    this.#root = parts.root;
  }

  async startArchive(): Promise<void> {
    const started = this.commands.start('archive', 'archive', 'start', '--directory', 'archive', '--json');
    this.#archive = started;
    await started.until(({ lines }) => lines.some(({ event }) => event === 'listening'));
  }

  /** With what it has begun, as when the power fails. */
  killArchive(): Promise<unknown> {
    return this.#archive!.killGroup('SIGKILL');
  }

  get archiveToken(): string {
    return readFileSync(join(this.#root, 'archive/console.token'), 'utf8').trim();
  }

  /** Of the reading room. `console` is whoever has the archive's directory: leads, and may all. */
  async tokenOf(person: Person | 'console'): Promise<string> {
    if (person === 'console') return this.archiveToken;
    const kept = this.#tokens.get(person);
    if (kept !== undefined) return kept;
    const made = ['people', 'token', 'make', person, '--for', 'tests', '--scopes', 'room.enter', '--days', '1'];
    const { secret } = await this.commands.told(...made, '--directory', 'archive');
    this.#tokens.set(person, secret);
    return secret;
  }

  /** The native interface, in the project. @throws if it is refused, with what was answered. */
  async ask<T>(person: Person | 'console', path: string, body?: unknown, method?: string): Promise<T> {
    const isBytes = body instanceof Uint8Array;
    const response = await fetch(`${this.url}/reading/v1/projects/${projectName}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        Authorization: `Bearer ${await this.tokenOf(person)}`,
        'Content-Type': isBytes ? 'application/octet-stream' : 'application/json',
      },
      ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${person} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** A synthetic patient's study comes to the PACS, which sends it on to the archive. */
  async arrive(study: string): Promise<Arrived> {
    const before = new Set(await this.#series());
    let stored = { ID: '', ParentStudy: '' };
    for (const path of globSync(join(this.#root, 'patients', study, 'ct/*.dcm'))) {
      stored = (await this.orthanc.rest('POST', '/instances', readFileSync(path))) as typeof stored;
    }
    const tags = (await this.orthanc.rest('GET', `/instances/${stored.ID}/simplified-tags`)) as Arrived['inPacs'];
    const { PatientID, PatientName, StudyInstanceUID } = tags;
    const wanted = { Resources: [stored.ParentStudy], Synchronous: true };
    await this.orthanc.rest('POST', '/modalities/archive/store', wanted);
    for (;;) {
      const [series] = (await this.#series()).filter((uid) => !before.has(uid));
      if (series !== undefined) return { series, inPacs: { PatientID, PatientName, StudyInstanceUID } };
      await delay(200);
    }
  }

  /** Those that are described. */
  async #series(): Promise<readonly string[]> {
    const query = new URLSearchParams({ query: 'modality = CT', limit: '100' });
    const headers = { Authorization: `Bearer ${this.archiveToken}` };
    const response = await fetch(`${this.url}/api/v1/search?${query}`, { headers });
    const { series } = (await response.json()) as { series: { seriesInstanceUid: string; state: string }[] };
    return series.filter(({ state }) => state === 'described').map(({ seriesInstanceUid }) => seriesInstanceUid);
  }

  async addCase(series: string, assignTo: readonly string[]): Promise<ReadingCase> {
    const body = { series: [series], readers: assignTo.length, assignTo };
    return (await this.ask<ReadingCase[]>('console', '/cases', body))[0]!;
  }

  /** Read from a file by whoever leads, approved by the reviewer. */
  async readFromFile(series: string, study: string): Promise<ReadingCase> {
    const made = await this.addCase(series, ['console']);
    const task = `/tasks/${made.tasks[0]}`;
    const { leaseId } = await this.ask<{ leaseId: string }>('console', `${task}/open`, {});
    const label = readFileSync(join(this.#root, 'patients', study, 'seg.dcm'));
    await this.ask('console', `${task}/versions?leaseId=${leaseId}&format=dicom-seg`, new Uint8Array(label));
    await this.ask('console', `${task}/submit`, { leaseId, lastSeq: 0, form: {} });
    await this.approve(made.caseId);
    return made;
  }

  /** Whatever of a case has been handed in. */
  async approve(caseId: string): Promise<void> {
    const tasks = await this.ask<{ id: string; caseId: string; state: string; headVersion: string }[]>(
      'rita',
      '/tasks',
    );
    const { headVersion, id } = tasks.find((one) => one.caseId === caseId && one.state === 'submitted')!;
    await this.ask('rita', `/tasks/${id}/review`, {});
    await this.ask('rita', `/tasks/${id}/review/decide`, { version: headVersion, decision: 'approve', comment: '' });
  }

  /** What the PACS has of segmentations. */
  async segmentationsInPacs(): Promise<readonly { readonly id: string; readonly tags: Record<string, string> }[]> {
    const query = { Level: 'Instance', Query: { Modality: 'SEG' } };
    const ids = (await this.orthanc.rest('POST', '/tools/find', query)) as string[];
    return Promise.all(
      ids.map(async (id) => ({
        id,
        tags: (await this.orthanc.rest('GET', `/instances/${id}/simplified-tags`)) as Record<string, string>,
      })),
    );
  }

  async fileInPacs(id: string): Promise<Uint8Array> {
    return new Uint8Array(await (await fetch(`${this.orthanc.url}/instances/${id}/file`)).arrayBuffer());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.commands[Symbol.asyncDispose]();
    await this.orthanc[Symbol.asyncDispose]();
  }
}

/** @returns what is wrong with a file as its IOD wants it, by dicom3tools' validator. */
export function iodErrors(file: string): readonly string[] {
  let output: string;
  try {
    output = execFileSync('dciodvfy', ['-new', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr, stdout } = error as { stdout: string; stderr: string };
    output = stdout + stderr;
  }
  return output.split('\n').filter((line) => line.startsWith('Error'));
}

/** A folder as `consilium job result` leaves it, of a network of one convolution of a voxel. */
function writeLinear(folder: string, plan: Plan, weights: readonly (readonly number[])[], biases: readonly number[]) {
  mkdirSync(folder, { recursive: true });
  const model = linear(plan, weights, biases);
  for (const [name, bytes] of encodeBundle({ model, plan, metadata: {} })) writeFileSync(join(folder, name), bytes);
}

function linear(plan: Plan, weights: readonly (readonly number[])[], biases: readonly number[]): Model {
  const [channels, graph] = [weights[0]!.length, new GraphBuilder({ name: 'linear' })];
  const image = graph.input('image', 'float32', [1, channels, ...plan.patchSize]);
  const kernel = tensor('float32', [weights.length, channels, 1, 1, 1], Float32Array.from(weights.flat()));
  const bias = tensor('float32', [biases.length], Float32Array.from(biases));
  const inputs = [image, graph.parameter('weight', kernel), graph.parameter('bias', bias)];
  graph.output('logits', graph.op('Conv', inputs, { kernel_shape: [1, 1, 1] }));
  return graph.build();
}

/** Enough to train for a step on synthetic patients. */
export function smallPlan(changes: Readonly<Record<string, unknown>> = {}): Plan {
  const [one, two] = [
    [1, 1, 1],
    [2, 2, 2],
  ];
  return parsePlan({
    version: 1,
    classes: ['kidney', 'tumour'].map((name, at) => ({ name, value: at + 1 })),
    ...{ regions: [{ name: 'kidney', classes: [1, 2] }], spacingMm: [5, 4, 4], patchSize: [16, 32, 32], batchSize: 1 },
    normalisation: { clipHu: [-1000, 1000], mean: 0, std: 100 },
    network: {
      ...{ kind: 'unet', channels: [4, 8], strides: [one, two], kernelSizes: [one, one] },
      ...{ blocksPerLevel: [1, 1], classes: 3 },
    },
    ...{ loss: { terms: [{ kind: 'dice' }] }, optimiser: { kind: 'adamw' }, foregroundFraction: 0.5 },
    schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
    ...{ augmentation: noAugmentation, memoryBudgetMb: 500, inference: { overlap: 0.5, flips: false } },
    ...changes,
  });
}

/** Draws what has 110 to 260 HU as kidney, so other organs as well, and what is brighter, which is bone, as tumour. */
export function writeThresholdModel(folder: string): void {
  writeLinear(folder, smallPlan(), [[0], [20], [40]], [0, -22, -74]);
}

/** Marks whatever is above 100 HU in the view around a click. */
export function writeClickModel(folder: string): void {
  const plan = smallPlan({
    network: {
      ...{ kind: 'unet', channels: [2], strides: [[1, 1, 1]], kernelSizes: [[1, 1, 1]], blocksPerLevel: [1] },
      ...{ classes: 2, inputChannels: 4 },
    },
    interactive: {
      ...{ classes: [1, 2], guidance: { kind: 'disc', radiusMm: 6 }, clicksMax: 10, predictionsMax: 2 },
      ...{ automaticProbability: 0.1, previousMask: { probability: 0.5, errorMm: 2 } },
      evaluation: { clicks: [1, 3], scored: 3 },
    },
  });
  writeLinear(
    folder,
    plan,
    [
      [0, 0, 0, 0],
      [20, 0, -200, 0],
    ],
    [0, -20],
  );
}
