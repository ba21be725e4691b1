/**
 * How ours grows: (a) the coordinator's peak memory as sites become many, all of them in one process, with a large model;
 * (b) very many site processes with a small one. `--sites 2,6,50 --size 100e6 --one-process` and `--sites 100 --size 1e6`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mean, median } from './deployment.ts';
import { consilium } from './ours.ts';
import { stepsOf, writeModel } from './workload.ts';

const { values: options } = parseArgs({
  options: {
    sites: { type: 'string', default: '2,6,50' },
    /** Of the model, bytes. */
    size: { type: 'string', default: '100e6' },
    rounds: { type: 'string', default: '3' },
    'one-process': { type: 'boolean', default: false },
  },
});

const modelBytes = Number(options.size);
const inOneProcess = options['one-process'];
const directory = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
const model = writeModel(directory, modelBytes, 'random');
const results = [];
for (const sites of options.sites.split(',').map(Number)) {
  const system = consilium(inOneProcess ? 'one process' : 'a process each');
  const steps = stepsOf(sites, 'random');
  const rounds = await system.run({ model, modelBytes, steps, rounds: Number(options.rounds) });
  const last = rounds.at(-1)!;
  const result = {
    sites,
    modelMb: modelBytes / 1e6,
    coordinatorPeakMb: Math.round(last.serverPeakBytes / 1e6),
    /** Of each process of sites. */
    sitePeakMb: Math.round(last.clientPeakBytes / 1e6),
    wallSeconds: Number(median(rounds.map((round) => round.wallSeconds)).toPrecision(3)),
    cpuSeconds: Number(mean(rounds.map((round) => round.cpuSeconds)).toPrecision(3)),
  };
  console.log(
    `${sites} sites${inOneProcess ? ' in one process' : ''}, ${result.modelMb} MB: coordinator peak ` +
      `${result.coordinatorPeakMb} MB, process of sites ${result.sitePeakMb} MB, wall ${result.wallSeconds} s, CPU ` +
      `${result.cpuSeconds} s a round`,
  );
  results.push(result);
}
rmSync(directory, { recursive: true });
const [first, last] = [results[0]!, results.at(-1)!];
const name = `coordinator peak memory, ${last.sites} sites beside ${first.sites}`;
const [ours, peer] = [last.coordinatorPeakMb, first.coordinatorPeakMb];
console.log(JSON.stringify({ name, ours, peer, ratio: Number((ours / peer).toFixed(3)), units: 'MB', results }));
