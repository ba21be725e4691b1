/**
 * A round of federated averaging with nothing to train, ours beside NVFlare and Flower from PyPI and beside plain streaming
 * over TLS: wall and CPU seconds a round, peak memory of the server. See README.md for how to run it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mean, median, type Round, type System } from './deployment.ts';
import { floor } from './floor.ts';
import { flower } from './flower.ts';
import { nvflare } from './nvflare.ts';
import { consilium } from './ours.ts';
import { type Content, stepsOf, writeModel } from './workload.ts';

const { values: options } = parseArgs({
  options: {
    /** The virtual environment that holds the peers. */
    peers: { type: 'string', default: '.venv' },
    /** Which systems: ours, nvflare, flower, floor. */
    systems: { type: 'string', default: 'floor,ours,nvflare,flower' },
    /** Of the model, bytes. */
    sizes: { type: 'string', default: '1e6,100e6' },
    /** What the arrays hold, random or zeros. See workload.ts: zeros say little about systems that send by hash. */
    content: { type: 'string', default: 'random' },
    clients: { type: 'string', default: '6' },
    /** Measured rounds of a deployment, after those to warm up. */
    rounds: { type: 'string', default: '5' },
    /** The same of the systems that have no need to poll, ours and the floor, with a model of 10 MB or less. */
    'quick-rounds': { type: 'string', default: '200' },
    /** Rounds of a deployment that are not counted: files are made, what runs often is compiled. */
    'warm-up': { type: 'string', default: '3' },
    /** How often each system is deployed; they take turns. */
    repeats: { type: 'string', default: '2' },
  },
});

interface Entry {
  readonly name: string;
  /** null where it was not measured. */
  readonly ours: number | null;
  readonly peer: number | null;
  /** Ours over theirs. */
  readonly ratio: number | null;
  readonly units: string;
}

interface Quantity {
  readonly what: string;
  readonly units: string;
  of(round: Round): number;
  over(values: readonly number[]): number;
}

const maximum = (values: readonly number[]): number => Math.max(...values);

/** CPU seconds are means because the kernel counts them in hundredths: the median of quick rounds would say little. */
const quantities: readonly Quantity[] = [
  { what: 'wall', units: 's/round', of: (round) => round.wallSeconds, over: median },
  { what: 'CPU, all processes', units: 's/round', of: (round) => round.cpuSeconds, over: mean },
  { what: 'CPU, server', units: 's/round', of: (round) => round.serverCpuSeconds, over: mean },
  { what: 'peak memory, server', units: 'MB', of: (round) => round.serverPeakBytes / 1e6, over: maximum },
  {
    what: 'peak memory, largest server process',
    units: 'MB',
    of: (round) => round.largestServerBytes / 1e6,
    over: maximum,
  },
  { what: 'peak memory, a client', units: 'MB', of: (round) => round.clientPeakBytes / 1e6, over: maximum },
];

const content = options.content as Content;
const bin = resolve(options.peers, 'bin');
const all: Readonly<Record<string, System>> = {
  floor,
  ours: consilium('a process each'),
  nvflare: nvflare(bin),
  flower: flower(bin),
};
const chosen = options.systems.split(',').map((key) => {
  const system = all[key];
  if (system === undefined) throw new Error(`no system ${key}; there are ${Object.keys(all).join(', ')}`);
  return { key, system };
});

const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ');
const short = (value: number): string => value.toPrecision(3);
const rounded = (value: number): number => Number(value.toPrecision(4));

async function measure(modelBytes: number, directory: string): Promise<Map<string, Round[]>> {
  const model = writeModel(directory, modelBytes, content);
  const steps = stepsOf(Number(options.clients), content);
  const measured = new Map<string, Round[]>(chosen.map(({ key }) => [key, []]));
  for (let repeat = 1; repeat <= Number(options.repeats); repeat++) {
    for (const { key, system } of chosen) {
      console.log(`${system.name}, ${modelBytes / 1e6} MB, deployment ${repeat}; load ${load()}`);
      const quick = modelBytes <= 10e6 && (key === 'ours' || key === 'floor');
      const count = Number(options[quick ? 'quick-rounds' : 'rounds']);
      const warmUp = Number(options['warm-up']);
      const all = await system.run({ model, modelBytes, steps, rounds: count + warmUp - 1 });
      const rounds = all.slice(warmUp - 1);
      const list = (values: number[]): string => values.slice(0, 10).map(short).join(' ');
      console.log(`  wall ${list(rounds.map((round) => round.wallSeconds))} s`);
      console.log(`  CPU ${list(rounds.map((round) => round.cpuSeconds))} s`);
      measured.get(key)!.push(...rounds);
    }
  }
  return measured;
}

const entries: Entry[] = [];
const directory = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
for (const modelBytes of options.sizes.split(',').map(Number)) {
  const measured = await measure(modelBytes, directory);
  for (const { what, units, of, over } of quantities) {
    const title = `${modelBytes / 1e6} MB, ${what}`;
    const mine = measured.get('ours')?.map(of);
    for (const { key, system } of chosen) {
      const values = measured.get(key)!.map(of);
      const spread = `${short(Math.min(...values))} to ${short(Math.max(...values))}`;
      const ratio = mine === undefined ? null : rounded(over(mine) / over(values));
      const beside = key === 'ours' || ratio === null ? '' : `, ours is ${short(ratio)} of it`;
      console.log(`${title}: ${system.name} ${short(over(values))} ${units} (${spread})${beside}`);
      if (key === 'ours' && chosen.length > 1) continue;
      const name = `${title}, ${system.name}`;
      entries.push({
        name,
        ours: mine === undefined ? null : rounded(over(mine)),
        peer: key === 'ours' ? null : rounded(over(values)),
        ratio,
        units,
      });
    }
  }
}
rmSync(directory, { recursive: true });
const first = entries.findLast(({ name }) => /CPU, all processes, NVFlare/.test(name)) ?? entries[0];
console.log(JSON.stringify({ ...first, results: entries }));
