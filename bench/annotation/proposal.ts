/**
 * A proposal for a CT of 512 x 512 x 300, and clicks on it: ours, and MONAI Label's server with the same networks on the same
 * CPU, one after the other in one run. The last line is JSON.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decodeNrrd, dice, type LabelMap } from '@consilium/imaging';
import { applyDelta, decodeRuns } from '@consilium/reading/api';
import { type Cost, freePort, MeasuredServer } from './measured-server.ts';
import { dicomOf, makeCt, niftiOf, writeBundles } from './proposal-scene.ts';

const { values: given } = parseArgs({
  options: {
    slices: { type: 'string', default: '300' },
    /** Of training; enough that what is drawn has a shape. */
    steps: { type: 'string', default: '150' },
    /** Keeps the networks, and takes them from there the next time. */
    models: { type: 'string' },
    clicks: { type: 'string', default: '5' },
    python: { type: 'string', default: process.env['MONAI_LABEL_PYTHON'] ?? 'python3' },
  },
});
const directory = mkdtempSync(join(tmpdir(), 'consilium-proposal-'));
const main = resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const models = resolve(given.models ?? join(directory, 'models'));
const size = [Number(given.slices), 512, 512] as const;
const clickCount = Number(given.clicks);
/** z, y, x: on the mass, then here and there around it. */
const clicks = Array.from({ length: clickCount }, (_, at) => {
  const mm = [30 + 6 * Math.cos(at), 38 + 8 * Math.sin(at), 70 + 8 * Math.sin(2 * at)] as const;
  return [1.25, 0.75, 0.75].map((step, axis) => Math.round(size[axis]! / 2 + mm[axis]! / step));
}) as unknown as readonly (readonly [number, number, number])[];
/** As much of the machine for the one as for the other. */
const env = { OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS: '1' };

interface Side {
  readonly proposal: Cost;
  /** What it takes to be ready for clicks. */
  readonly opening: Cost | null;
  /** Mean of a click. */
  readonly click: Cost;
  /** Voxels by structure's number. */
  readonly label: Uint8Array;
  readonly masses: readonly number[];
}

const meanOf = (costs: readonly Cost[]): Cost => {
  const mean = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return {
    wallSeconds: mean(({ wallSeconds }) => wallSeconds),
    cpuSeconds: mean(({ cpuSeconds }) => cpuSeconds),
    peakMb: Math.max(...costs.map(({ peakMb }) => peakMb)),
    wireBytes: mean(({ wireBytes }) => wireBytes),
  };
};

function consilium(...args: readonly string[]): string {
  const node = ['--conditions=consilium-source', '--disable-warning=ExperimentalWarning', main];
  return execFileSync(process.execPath, [...node, ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
}

async function ours(files: readonly Uint8Array[]): Promise<Side> {
  const [archive, incoming] = [join(directory, 'archive'), join(directory, 'dicom')];
  mkdirSync(incoming);
  for (const [at, file] of files.entries()) writeFileSync(join(incoming, `${at}.dcm`), file);
  const here = ['--directory', archive];
  const port = await freePort();
  consilium('archive', 'init', ...here, '--project', 'bench', '--dicom-port', '0', '--web-port', String(port));
  consilium('archive', 'import', incoming, ...here);
  consilium('archive', 'settle', ...here);
  consilium('archive', 'cohort', 'freeze', 'ct', 'modality = CT', '--without-labels', ...here);
  consilium('reading', 'project', 'create', 'bench', '--app', 'automatic', '--structures', 'Kidney', 'Tumour', ...here);
  const [made] = JSON.parse(consilium('reading', 'project', 'add', 'bench', '--cohort', 'ct', ...here, '--json'));
  const shelf = ['--project', 'bench', ...here, '--json'];
  const model = JSON.parse(consilium('reading', 'model', 'put', join(models, 'automatic'), ...shelf)).digest;
  consilium('reading', 'model', 'put', join(models, 'clicks'), ...shelf);
  consilium('reading', 'model', 'promote', 'clicks', ...shelf);
  rmSync(incoming, { recursive: true });

  const node = ['--conditions=consilium-source', '--disable-warning=ExperimentalWarning', main, 'archive', 'start'];
  const log = join(directory, 'archive.log');
  await using server = new MeasuredServer(process.execPath, [...node, ...here], { env, log });
  const origin = `http://127.0.0.1:${port}`;
  await server.up(origin);
  const token = readFileSync(join(archive, 'console.token'), 'utf8').trim();
  const ask = (path: string, body?: object): Promise<Uint8Array> =>
    server.ask(`${origin}/reading/v1/projects/bench${path}`, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    });
  const told = async (path: string, body?: object) => JSON.parse(Buffer.from(await ask(path, body)).toString());
  let label: Uint8Array = new Uint8Array();
  const proposal = await server.cost(async () => {
    const { work } = await told(`/cases/${made.caseId}/propose`, { model });
    for (;;) {
      const { code, state } = await told(`/work/${work}`);
      if (state === 'failed') throw new Error(code);
      if (state === 'done') break;
      await delay(100);
    }
    const { version } = await told(`/cases/${made.caseId}/propose`, { model });
    label = decodeRuns(await ask(`/versions/${version}/layers/0`), size[0] * size[1] * size[2]);
  });
  const task = `/tasks/${made.tasks[0]}`;
  const { leaseId } = await told(`${task}/open`, {});
  let session = '';
  const opening = await server.cost(async () => {
    session = (await told(`${task}/session`, { leaseId })).id;
  });
  const costs: Cost[] = [];
  const masses: number[] = [];
  for (let count = 1; count <= clickCount; count++) {
    const asked = clicks.slice(0, count).map((voxel) => ({ voxel, isForeground: true }));
    const drawn = new Uint8Array(label.length);
    const cost = await server.cost(async () => {
      const body = { leaseId, structure: 2, clicks: asked };
      const { change } = await told(`${task}/session/${session}/prompts`, body);
      if (change !== null) applyDelta(drawn, size, { ...change, runs: Buffer.from(change.runs, 'base64') });
    });
    costs.push(cost);
    masses.push(drawn.reduce((sum, value) => sum + (value === 2 ? 1 : 0), 0));
  }
  return { proposal, opening, click: meanOf(costs), label, masses };
}

async function monaiLabel(nifti: Uint8Array): Promise<Side> {
  const studies = join(directory, 'studies');
  mkdirSync(studies);
  writeFileSync(join(studies, 'ct.nii.gz'), nifti);
  const port = await freePort();
  const program = ['-m', 'monailabel.main', 'start_server', '--app', resolve(import.meta.dirname, 'monailabel_app')];
  const args = [...program, '--studies', studies, '--host', '127.0.0.1', '--port', String(port)];
  const app = { BENCH_MODELS: models, PYTHONDONTWRITEBYTECODE: '1' };
  const log = join(directory, 'monailabel.log');
  await using server = new MeasuredServer(given.python, args, { env: { ...env, ...app }, log });
  const origin = `http://127.0.0.1:${port}`;
  await server.up(`${origin}/info/`);
  // As 3D Slicer's module asks.
  const infer = (model: string, params: object): Promise<Uint8Array> => {
    const form = new FormData();
    form.set(
      'params',
      JSON.stringify({ result_extension: '.nrrd', result_dtype: 'uint8', result_compress: false, ...params }),
    );
    return server.ask(`${origin}/infer/${model}?image=ct&output=image`, { method: 'POST', body: form });
  };
  let answer: Uint8Array = new Uint8Array();
  const proposal = await server.cost(async () => {
    answer = await infer('automatic', {});
  });
  const label = decodeNrrd(answer).voxels as LabelMap['voxels'];
  const costs: Cost[] = [];
  const masses: number[] = [];
  for (let count = 1; count <= clickCount; count++) {
    // x, y, z.
    const tumour = clicks.slice(0, count).map((voxel) => voxel.toReversed());
    let drawn: Uint8Array = new Uint8Array();
    costs.push(
      await server.cost(async () => {
        drawn = await infer('clicks', { kidney: [], tumour, background: [] });
      }),
    );
    masses.push(Uint8Array.from(decodeNrrd(drawn).voxels).reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0));
  }
  return { proposal, opening: null, click: meanOf(costs), label: Uint8Array.from(label), masses };
}

const row = (name: string, { cpuSeconds, peakMb, wallSeconds, wireBytes }: Cost): string =>
  `| ${name} | ${wallSeconds.toFixed(2)} | ${cpuSeconds.toFixed(2)} | ${peakMb.toFixed(0)} | ${(wireBytes / 1024).toFixed(1)} |`;
const summary = (side: Side | null) => side && { proposal: side.proposal, opening: side.opening, click: side.click };

try {
  if (!existsSync(join(models, 'clicks/model.onnx'))) await writeBundles(models, Number(given.steps));
  const { image, label } = makeCt(size);
  const mine = await ours(dicomOf(image));
  let theirs: Side | null = null;
  try {
    execFileSync(given.python, ['-c', 'import monailabel, torch'], { stdio: 'pipe' });
    theirs = await monaiLabel(niftiOf(image));
  } catch (error) {
    console.error(`MONAI Label is left out: ${(error as Error).message}`);
    if (existsSync(join(directory, 'monailabel.log'))) {
      console.error(readFileSync(join(directory, 'monailabel.log'), 'utf8').slice(-3000));
    }
  }
  const masks = (voxels: Uint8Array) => [1, 2].map((number) => voxels.map((value) => (value === number ? 1 : 0)));
  const alike = (one: Uint8Array, other: Uint8Array) =>
    masks(one).map((mask, at) => dice(mask, masks(other)[at]!).toFixed(3));
  console.log('| one thread | wall s | CPU s | peak MB | wire KiB |\n|---|---|---|---|---|');
  console.log(row('ours, proposal', mine.proposal));
  if (theirs !== null) console.log(row('MONAI Label, proposal', theirs.proposal));
  console.log(row('ours, ready for clicks', mine.opening!));
  console.log(row('ours, a click', mine.click));
  if (theirs !== null) console.log(row('MONAI Label, a click', theirs.click));
  console.log(`Dice of kidney and mass with what is there: ours ${alike(mine.label, label.voxels).join(', ')}`);
  if (theirs !== null) {
    console.log(
      `MONAI Label ${alike(theirs.label, label.voxels).join(', ')}; of both ${alike(mine.label, theirs.label).join(', ')}`,
    );
  }
  console.log(
    `Voxels of the mass by clicks: ours ${mine.masses.join(', ')}; MONAI Label ${theirs?.masses.join(', ') ?? '-'}`,
  );
  const [own, peer] = [mine.proposal.cpuSeconds, theirs?.proposal.cpuSeconds ?? null];
  console.log(
    JSON.stringify({
      ...{
        name: 'annotation-proposal',
        ours: own,
        peer,
        ratio: peer === null ? null : own / peer,
        units: 'CPU seconds',
      },
      ...{ details: { ours: summary(mine), monaiLabel: summary(theirs) } },
    }),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
