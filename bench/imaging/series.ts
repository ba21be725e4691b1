/**
 * A CT series from files to a volume in HU against SimpleITK and pydicom: whole processes, their start included, taking
 * turns over the same files. See README.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { uidOf, writeDicomSeries } from '@consilium/imaging';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    slices: { type: 'string', default: '300' },
    repeats: { type: 'string', default: '5' },
    /** Slices of a large study, of which only memory is measured; 0 leaves it out. */
    large: { type: 'string', default: '3000' },
  },
});

interface Answer {
  readonly sum: number;
  readonly slices: number;
  readonly cpuMs: number;
  readonly peakBytes: number;
}
interface Run extends Answer {
  readonly wallMs: number;
}
type Side = 'ours' | 'simpleitk' | 'pydicom';

const side = 512;
const slabSlices = 50;
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Without its types, as a package is published: taking them out takes Node 60 ms. Where packages are found. */
function compiled(file: string): string {
  const directory = here('../../node_modules/.cache/bench');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, file.replace(/ts$/, 'mjs'));
  writeFileSync(path, stripTypeScriptTypes(readFileSync(here(file), 'utf8')));
  return path;
}

const oursFile = compiled('series-ours.ts');

/** Slab by slab, so that a large study needs no memory here. */
function writeSeries(directory: string, slices: number): void {
  for (let first = 0; first < slices; first += slabSlices) {
    const count = Math.min(slabSlices, slices - first);
    const voxels = new Int16Array(count * side * side);
    for (let at = 0; at < voxels.length; at++) voxels[at] = ((at * 7919 + first) % 3000) - 1000;
    const geometry = {
      size: [count, side, side] as const,
      spacingMm: [1, 0.75, 0.75] as const,
      originMm: [-190, -190, first] as const,
      axes: [[0, 0, 1] as const, [0, 1, 0] as const, [1, 0, 0] as const] as const,
    };
    const files = writeDicomSeries({ geometry, voxels }, meta(first));
    for (const [z, bytes] of files.entries()) {
      writeFileSync(join(directory, `${String(first + z).padStart(5, '0')}.dcm`), bytes);
    }
  }
}

function meta(first: number): Parameters<typeof writeDicomSeries>[1] {
  return {
    seriesInstanceUid: uidOf('bench', 'series'),
    frameOfReferenceUid: uidOf('bench', 'frame'),
    patient: { id: 'BENCH', name: 'BENCH', birthDate: '', sex: '' },
    study: {
      ...{ instanceUid: uidOf('bench', 'study'), id: '1', date: '20000101', time: '000000' },
      ...{ accessionNumber: '', referringPhysician: '', description: '' },
    },
    acquisition: {
      ...{ manufacturer: 'BENCH', model: 'BENCH', kvp: 120, kernel: 'B30f', sliceThicknessMm: 1 },
      ...{ contrastAgent: undefined, comments: undefined },
    },
    sopInstanceUid: (z) => `${uidOf('bench', 'series')}.${first + z + 1}`,
  };
}

function run(who: Side, directory: string): Run {
  const [command, args] =
    who === 'ours'
      ? [process.execPath, [oursFile, directory]]
      : [options.python, [here('series_peer.py'), who, directory]];
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${who} failed: ${stderr}`);
  return { ...(JSON.parse(stdout) as Answer), wallMs: performance.now() - start };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function entry(name: string, units: string, ours: number, peer: number): object {
  const made = { name, ours: Math.round(ours), peer: Math.round(peer), ratio: Number((ours / peer).toFixed(3)), units };
  console.log(`${name.padEnd(50)} ours ${made.ours} ${units}, peer ${made.peer} ${units}, ratio ${made.ratio}`);
  return made;
}

function compare(directory: string, slices: number, repeats: number, sides: readonly Side[]): object[] {
  const runs: Record<Side, Run[]> = { ours: [], simpleitk: [], pydicom: [] };
  for (let repeat = 0; repeat < repeats; repeat++) for (const who of sides) runs[who].push(run(who, directory));
  const sums = new Set(sides.flatMap((who) => runs[who].map(({ sum }) => sum)));
  if (sums.size !== 1) throw new Error(`the volumes differ: ${[...sums].join(', ')}`);
  const of = (who: Side, key: 'wallMs' | 'cpuMs' | 'peakBytes'): number => median(runs[who].map((one) => one[key]));
  return sides
    .slice(1)
    .flatMap((peer) => [
      entry(`${slices} slices against ${peer}, CPU time`, 'ms', of('ours', 'cpuMs'), of(peer, 'cpuMs')),
      entry(`${slices} slices against ${peer}, elapsed`, 'ms', of('ours', 'wallMs'), of(peer, 'wallMs')),
      entry(
        `${slices} slices against ${peer}, peak memory`,
        'MB',
        of('ours', 'peakBytes') / 1e6,
        of(peer, 'peakBytes') / 1e6,
      ),
    ]);
}

const entries: object[] = [];
for (const [slices, repeats, sides] of [
  [Number(options.slices), Number(options.repeats), ['ours', 'simpleitk', 'pydicom']],
  [Number(options.large), 1, ['ours', 'simpleitk']],
] as const) {
  if (slices === 0) continue;
  const directory = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
  try {
    writeSeries(directory, slices);
    entries.push(...compare(directory, slices, repeats, sides));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
console.log(JSON.stringify({ ...entries[0], results: entries }));
