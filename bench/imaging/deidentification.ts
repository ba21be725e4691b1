/**
 * How many made-up CT instances of 512 x 512 are de-identified in a second of CPU time, from bytes to bytes in memory,
 * against dicom-anonymizer on pydicom by the same table (PS3.15 E.1-1, all private attributes removed). Ours also searches
 * the pixels for text, which theirs does not; `withoutSearch` is without. Medians of turns. The last line is JSON;
 * see README.md.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  axisAligned,
  type DeidentificationProfile,
  deidentify,
  uidOf,
  voxelCount,
  writeDicomSeries,
} from '@consilium/imaging';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    instances: { type: 'string', default: '100' },
    side: { type: 'string', default: '512' },
    repeats: { type: 'string', default: '5' },
  },
});

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'deidentification-'));
  try {
    const paths = madeUpFiles(Number(values.instances), Number(values.side)).map((bytes, index) => {
      const path = join(folder, `${index}.dcm`);
      writeFileSync(path, bytes);
      return path;
    });
    const files = paths.map((path) => readFileSync(path));
    const peer = new Peer(values.python, paths);
    // Both warm up, then take turns, so that other work on the machine hits both.
    await ours(files, {});
    await ours(files, { burnedInText: 'unchecked' });
    await peer.run();
    const seconds: Record<'ours' | 'withoutSearch' | 'peer', number[]> = { ours: [], withoutSearch: [], peer: [] };
    for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
      seconds.ours.push(await ours(files, {}));
      seconds.withoutSearch.push(await ours(files, { burnedInText: 'unchecked' }));
      seconds.peer.push(await peer.run());
      console.log(
        `repeat ${repeat + 1}: ours ${seconds.ours.at(-1)!.toFixed(3)} s, peer ${seconds.peer.at(-1)!.toFixed(3)} s`,
      );
    }
    peer.end();
    const rate = (all: readonly number[]): number => Number((files.length / median(all)).toFixed(1));
    const [own, withoutSearch, other] = [rate(seconds.ours), rate(seconds.withoutSearch), rate(seconds.peer)];
    const ratio = Number((own / other).toFixed(2));
    const units = 'instances/CPU s';
    console.log(JSON.stringify({ name: 'deidentification', ours: own, peer: other, ratio, units, withoutSearch }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns CPU seconds of this process. */
async function ours(files: readonly Uint8Array[], profile: DeidentificationProfile): Promise<number> {
  const secret = new Uint8Array(32).fill(1);
  const before = process.cpuUsage();
  for (const bytes of files) {
    const result = await deidentify(bytes, { secret, profile });
    if (result.kind === 'refused') throw new Error(result.reason.code);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

class Peer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string, paths: readonly string[]) {
    const script = join(import.meta.dirname, 'deidentification_peer.py');
    this.#process = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#process.stdout!)[Symbol.asyncIterator]();
    this.#process.stdin!.write(`${paths.join('\n')}\n\n`);
  }

  /** @returns CPU seconds of the other process. */
  async run(): Promise<number> {
    this.#process.stdin!.write('run\n');
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the peer ended');
    return Number(value);
  }

  end(): void {
    this.#process.stdin!.end();
  }
}

/** CT slices as our writer makes them, of soft tissue with noise. */
function madeUpFiles(count: number, side: number): readonly Uint8Array[] {
  const geometry = axisAligned({ size: [count, side, side], spacingMm: [2.5, 0.75, 0.75], originMm: [0, 0, 0] });
  const voxels = Int16Array.from({ length: voxelCount(geometry) }, (_, at) => ((at * 7919) % 401) - 100);
  return writeDicomSeries(
    { geometry, voxels },
    {
      seriesInstanceUid: uidOf('bench', 'series'),
      frameOfReferenceUid: uidOf('bench', 'frame'),
      seriesDescription: 'Arterial phase 1.5 mm',
      patient: { id: '4711', name: 'Muster^Erika', birthDate: '19600101', sex: 'F' },
      study: {
        ...{ instanceUid: uidOf('bench', 'study'), id: '1', date: '20260102', time: '030405' },
        ...{ accessionNumber: 'A1', referringPhysician: 'Doctor^Some', description: 'Abdomen' },
      },
      acquisition: {
        ...{ manufacturer: 'Consilium', model: 'Bench', kvp: 120, kernel: 'B30f', sliceThicknessMm: 2.5 },
        ...{ contrastAgent: 'Iomeprol', comments: 'SYNTHETIC' },
      },
    },
  );
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!;
}

await main();
