/**
 * What it costs that the coordinator sees only the sum: rounds with nothing to train, secure and plain in turn, by the
 * services as hospitals run them; and, where `--seal DIRECTORY` says where node-seal is installed, the same sum under CKKS.
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
import { bytesOfSession } from './session-bytes.ts';

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

async function rounds(sites: number, megabytes: number) {
  const secureAggregation = secureAggregationSchema.parse({
    threshold: Math.floor((2 * sites) / 3) + 1,
    clip: 4,
    casesMax: 100,
    ...(sites > 20 ? { neighbours: 12 } : {}),
  });
  const model = writeModel(directory, megabytes * 1e6, 'random');
  const workload = {
    model,
    modelBytes: megabytes * 1e6,
    steps: stepsOf(sites, 'random'),
    rounds: Number(options.rounds),
  };
  const where = sites > 20 ? 'one process' : 'a process each';
  const plain = costOf(await consilium(where).run(workload));
  const secure = costOf(await consilium(where, { secureAggregation }).run(workload));
  const bytes = await bytesOfSession(sites, secureAggregation);
  const row = { sites, megabytes, plain, secure, ...bytes, cpuRatio: secure.cpuSeconds / plain.cpuSeconds };
  say(
    `${sites} sites, ${megabytes} MB: plain ${text(plain)}; secure ${text(secure)}; ` +
      `a site sends ${bytes.sentBytesASite} and hears ${bytes.heardBytesASite} bytes besides the model`,
  );
  return row;
}

function text({ cpuSeconds, wallSeconds, serverPeakMb }: Cost): string {
  return `${cpuSeconds.toFixed(2)} s CPU, ${wallSeconds.toFixed(2)} s, server ${serverPeakMb.toFixed(0)} MB`;
}

const results = [];
try {
  for (const setting of options.settings.split(',').filter((each) => each !== '')) {
    const [sites, megabytes] = setting.split('x').map(Number) as [number, number];
    results.push(await rounds(sites, megabytes));
  }
  const seal = options.seal === undefined ? null : await ckks(options.seal);
  if (seal !== null) say(`CKKS, a million numbers: ${JSON.stringify(seal)}`);
  say(JSON.stringify({ name: 'secure-aggregation', rounds: results, ckks: seal }));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
