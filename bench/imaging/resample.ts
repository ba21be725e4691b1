/**
 * A volume onto another grid, linear, against SimpleITK and scipy.ndimage, one thread each: CPU time of the call alone, in
 * processes that take turns. See README.md.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, repeats: { type: 'string', default: '5' } },
});
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

class Side {
  readonly times = new Map<string, number[]>();
  means = new Map<string, number>();
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('a side of the bench ended before its time; its message stands above');
    return value;
  }

  async run(what: string): Promise<void> {
    this.#child.stdin.write(`${what}\n`);
    const { ms, mean } = JSON.parse(await this.line()) as { ms: number; mean: number };
    this.times.set(what, [...(this.times.get(what) ?? []), ms]);
    this.means.set(what, mean);
  }

  close(): void {
    this.#child.stdin.end();
  }

  /** The first run warms up. */
  median(what: string): number {
    const sorted = this.times
      .get(what)!
      .slice(1)
      .toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  }
}

const sides = {
  ours: new Side(process.execPath, [here('resample-ours.ts')]),
  simpleitk: new Side(options.python, [here('resample_peer.py'), 'simpleitk']),
  scipy: new Side(options.python, [here('resample_peer.py'), 'scipy']),
};
await Promise.all(Object.values(sides).map((side) => side.line()));
const entries: object[] = [];
for (const what of ['aligned', 'turned']) {
  for (let repeat = 0; repeat <= Number(options.repeats); repeat++) {
    for (const side of Object.values(sides)) await side.run(what);
  }
  for (const peer of ['simpleitk', 'scipy'] as const) {
    const [ours, theirs] = [sides.ours.median(what), sides[peer].median(what)];
    const made = {
      name: `linear, ${what}, against ${peer}`,
      ours: Math.round(ours),
      peer: Math.round(theirs),
      ratio: Number((ours / theirs).toFixed(3)),
      units: 'ms',
    };
    entries.push(made);
    const means = `${sides.ours.means.get(what)!.toFixed(4)} and ${sides[peer].means.get(what)!.toFixed(4)}`;
    console.log(
      `${made.name.padEnd(40)} ours ${made.ours} ms, peer ${made.peer} ms, ratio ${made.ratio}; means ${means}`,
    );
  }
}
for (const side of Object.values(sides)) side.close();
console.log(JSON.stringify({ ...entries[0], results: entries }));
