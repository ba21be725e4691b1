/**
 * Runs the fuzzers of the simulator on fresh seeds: `npm run fuzz -- --minutes N`. `--seed S` runs one seed of each, with
 * `--only NAME` of one fuzzer; `--trace` prints what happened. A failure prints the command that replays it exactly.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Fuzzer, fuzz, fuzzers } from '@consilium/federation/simulator';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const chosen = fuzzers.filter(({ name }) => options.only === undefined || name === options.only);
if (chosen.length === 0) {
  console.error(`There is no fuzzer "${options.only}". There are: ${fuzzers.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}

/** @returns whether all was as it must be */
async function run(fuzzer: Fuzzer, seed: number): Promise<boolean> {
  const { faults, trace, digest } = await fuzz(fuzzer, seed);
  if (options.trace) console.log(trace.join('\n'));
  if (faults.length === 0) return true;
  console.log(`\n${fuzzer.name} FAILED with seed ${seed} (trace ${digest.slice(0, 16)}):`);
  for (const { invariant, text } of faults) console.log(`  ${invariant}: ${text}`);
  console.log(`  replay it with: npm run fuzz -- --only ${fuzzer.name} --seed ${seed} --trace`);
  return false;
}

let failures = 0;
let runs = 0;
if (options.seed !== undefined) {
  for (const fuzzer of chosen) {
    runs += 1;
    if (!(await run(fuzzer, Number(options.seed)))) failures += 1;
  }
} else {
  const startMs = performance.now();
  const endMs = startMs + Number(options.minutes) * 60_000;
  let saidMs = startMs;
  let seed = randomInt(2 ** 31);
  console.log(`${chosen.length} fuzzers for ${options.minutes} min, from seed ${seed}`);
  for (; performance.now() < endMs; seed++) {
    for (const fuzzer of chosen) {
      runs += 1;
      if (!(await run(fuzzer, seed))) failures += 1;
    }
    if (performance.now() - saidMs < 10_000) continue;
    saidMs = performance.now();
    console.log(`${((saidMs - startMs) / 1000).toFixed(0)} s: ${runs} runs, ${failures} failed`);
  }
}
console.log(`${runs} runs, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
