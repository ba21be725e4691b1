/** Run by trainer.test.ts as a process of its own: goes on from a checkpoint and prints where it got to. */
import { readFileSync } from 'node:fs';
import { nodeRuntime } from '@consilium/engine/node';
import { createRandom } from '@consilium/numerics';
import { buildNetwork } from './networks/network.ts';
import { toyCase, toyPlan } from './toy-cohort.fixture.ts';
import { Trainer } from './trainer.ts';

const [file, firstStep, steps, totalSteps] = process.argv.slice(2) as [string, string, string, string];
const plan = toyPlan();
const model = buildNetwork(plan.network, { ...plan, random: createRandom('another start') });
const cases = [toyCase({ id: 'a' }), toyCase({ id: 'b', seed: 2 })];
await using trainer = await Trainer.create({
  runtime: nodeRuntime(),
  plan,
  model,
  cases,
  random: createRandom(7),
  threads: 1,
});
trainer.restore(readFileSync(file));
await trainer.train({ steps: Number(steps), firstStep: Number(firstStep), totalSteps: Number(totalSteps) });
process.stdout.write(Buffer.from(trainer.checkpoint()).toString('base64'));
