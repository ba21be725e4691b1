/**
 * What it costs that the coordinator sees only the sum: rounds with nothing to train, secure and plain in turn, by the
 * services as hospitals run them, or, with more than 20 sites, in one process without services; and, where `--seal DIRECTORY` says where node-seal is installed, the same sum under CKKS.
 * The last line is JSON. See README.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { secureAggregationSchema } from '@consilium/protocol';
import { mean, median, type Round } from '../federation/deployment.ts';
import { consilium } from '../federation/ours.ts';
import { stepsOf, writeModel } from '../federation/workload.ts';
import { ckks } from './ckks.ts';
import { roundInOneProcess } from './one-process.ts';

const { values: options } = parseArgs({
  options: {
    /** Sites and megabytes of the model. */
    settings: { type: 'string', default: '6x1,6x100,100x1' },
    rounds: { type: 'string', default: '3' },
    /** A directory with node_modules/node-seal. */
    seal: { type: 'string' },
  },
});

const say = (line: string) => process.stdout.write(`${line}\n`);
const directory = mkdtempSync(join(tmpdir(), 'consilium-secure-'));

interface Cost {
  readonly cpuSeconds: number;
  readonly serverCpuSeconds: number;
  readonly wallSeconds: number;
  readonly serverPeakMb: number;
  readonly sitePeakMb: number;
}

function costOf(rounds: readonly Round[]): Cost {
  return {
    cpuSeconds: mean(rounds.map((round) => round.cpuSeconds)),
    serverCpuSeconds: mean(rounds.map((round) => round.serverCpuSeconds)),
    wallSeconds: median(rounds.map((round) => round.wallSeconds)),
    serverPeakMb: Math.max(...rounds.map((round) => round.serverPeakBytes)) / 1e6,
    sitePeakMb: Math.max(...rounds.map((round) => round.clientPeakBytes)) / 1e6,
  };
}

const settingsOf = (sites: number) =>
  secureAggregationSchema.parse({
    threshold: Math.floor((2 * sites) / 3) + 1,
    clip: 4,
    casesMax: 100,
    ...(sites > 20 ? { neighbours: 12 } : {}),
  });

async function byServices(sites: number, megabytes: number) {
  const secureAggregation = settingsOf(sites);
  const model = writeModel(directory, megabytes * 1e6, 'random');
  const steps = stepsOf(sites, 'random');
  const workload = { model, modelBytes: megabytes * 1e6, steps, rounds: Number(options.rounds) };
  const plain = costOf(await consilium('a process each').run(workload));
  const secure = costOf(await consilium('a process each', { secureAggregation }).run(workload));
  const { sentBytesASite, heardBytesASite } = await roundInOneProcess(sites, { elements: 4, secureAggregation });
  say(
    `${sites} sites, ${megabytes} MB: plain ${text(plain)}; secure ${text(secure)}; ` +
      `a site sends ${sentBytesASite} and hears ${heardBytesASite} bytes besides the model`,
  );
  const messages = { sentBytesASite, heardBytesASite };
  return { sites, megabytes, plain, secure, ...messages, cpuRatio: secure.cpuSeconds / plain.cpuSeconds };
}

async function inOneProcess(sites: number, megabytes: number) {
  const elements = (megabytes * 1e6) / 4;
  await roundInOneProcess(sites, { elements: 4, secureAggregation: settingsOf(sites) }); // to warm up
  const plain = await roundInOneProcess(sites, { elements });
  const secure = await roundInOneProcess(sites, { elements, secureAggregation: settingsOf(sites) });
  const { sentBytesASite, heardBytesASite } = secure;
  say(
    `${sites} sites, ${megabytes} MB, without services: plain ${plain.cpuSeconds.toFixed(2)} s CPU, ` +
      `secure ${secure.cpuSeconds.toFixed(2)} s; a site sends ${sentBytesASite} and hears ${heardBytesASite} bytes`,
  );
  return { sites, megabytes, plain, secure, cpuRatio: secure.cpuSeconds / plain.cpuSeconds };
}

function text({ cpuSeconds, wallSeconds, serverPeakMb }: Cost): string {
  return `${cpuSeconds.toFixed(2)} s CPU, ${wallSeconds.toFixed(2)} s, server ${serverPeakMb.toFixed(0)} MB`;
}

const results = [];
try {
  for (const setting of options.settings.split(',').filter((each) => each !== '')) {
    const [sites, megabytes] = setting.split('x').map(Number) as [number, number];
    results.push(await (sites > 20 ? inOneProcess : byServices)(sites, megabytes));
  }
  const seal = options.seal === undefined ? null : await ckks(options.seal);
  if (seal !== null) say(`CKKS, a million numbers: ${JSON.stringify(seal)}`);
  say(JSON.stringify({ name: 'secure-aggregation', rounds: results, ckks: seal }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
