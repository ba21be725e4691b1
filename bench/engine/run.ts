/**
 * One training step and one inference of the reference 3-D U-Net against PyTorch: medians, ratios, peak memory, and
 * whether the losses of the same steps agree. See README.md for how to run it. Each side is a process of its own, and
 * they take turns step by step, so that both meet the same machine.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { weightsOf } from '@consilium/engine';
import { encodeSafetensors } from '@consilium/numerics';
import { referenceBatch, referenceNetwork } from './reference-network.ts';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    sizes: { type: 'string', default: '64,96' },
    threads: { type: 'string', default: '1,2' },
    /** Measured steps at 64^3; larger volumes take proportionally fewer, at least 5. */
    steps: { type: 'string', default: '18' },
  },
});

interface Answer {
  readonly ms: number;
  readonly value: number;
  readonly peakBytes: number;
}
interface Entry {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  readonly ratio: number;
  readonly units: string;
}

const warmUpSteps = 2;
const numbersOf = (text: string): number[] => text.split(',').map(Number);
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A child that does one step each time it is asked. */
class Side {
  readonly answers: Answer[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args);
    this.#child.stderr.pipe(process.stderr);
    this.#child.on('error', (error) => {
      console.error(`cannot start ${command}: ${error.message}`);
      process.exit(1);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('a side of the bench ended before its time; its message stands above');
    return value;
  }

  async step(): Promise<void> {
    this.#child.stdin.write('step\n');
    this.answers.push(JSON.parse(await this.line()) as Answer);
  }

  close(): void {
    this.#child.stdin.end();
  }

  get medianMs(): number {
    const sorted = this.answers.slice(warmUpSteps).map(({ ms }) => ms);
    sorted.sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  }

  get peakMb(): number {
    return Math.max(...this.answers.map(({ peakBytes }) => peakBytes)) / 1e6;
  }
}

function entry(name: string, units: string, ours: number, peer: number): Entry {
  const made = { name, ours: Math.round(ours), peer: Math.round(peer), ratio: Number((ours / peer).toFixed(3)), units };
  console.log(`${name.padEnd(40)} ours ${made.ours} ${units}, PyTorch ${made.peer} ${units}, ratio ${made.ratio}`);
  return made;
}

async function compare(mode: 'train' | 'infer', size: number, threads: number): Promise<Entry[]> {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
  try {
    writeFileSync(join(folder, 'weights.safetensors'), encodeSafetensors(weightsOf(referenceNetwork(size))));
    writeFileSync(join(folder, 'batch.safetensors'), encodeSafetensors(new Map(Object.entries(referenceBatch(size)))));
    const common = [mode, String(threads), folder];
    const ours = new Side(process.execPath, [
      '--conditions=consilium-source',
      here('ours.ts'),
      ...common,
      String(size),
    ]);
    const peer = new Side(options.python, [here('torch_peer.py'), ...common]);
    await Promise.all([ours.line(), peer.line()]);
    const measured = Math.max(5, Math.round((Number(options.steps) * 64 ** 3) / size ** 3));
    for (let step = 0; step < warmUpSteps + measured; step++) {
      await ours.step();
      await peer.step();
    }
    ours.close();
    peer.close();
    const what = mode === 'train' ? 'training step' : 'inference';
    const name = `${what} ${size}^3, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
    const results = [
      entry(name, 'ms', ours.medianMs, peer.medianMs),
      entry(`${name}, peak memory`, 'MB', ours.peakMb, peer.peakMb),
    ];
    const [mine, theirs] = [ours.answers.at(-1)!.value, peer.answers.at(-1)!.value];
    const apart = Math.abs(mine - theirs) / Math.abs(theirs);
    const compared = mode === 'train' ? `loss of step ${ours.answers.length}` : 'first logit';
    console.log(
      `  ${compared}: ours ${mine.toFixed(6)}, PyTorch ${theirs.toFixed(6)}, apart ${apart.toExponential(1)}`,
    );
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const entries: Entry[] = [];
for (const size of numbersOf(options.sizes)) {
  for (const threads of numbersOf(options.threads)) {
    for (const mode of ['train', 'infer'] as const) entries.push(...(await compare(mode, size, threads)));
  }
}
console.log(JSON.stringify({ ...entries[0], results: entries }));
