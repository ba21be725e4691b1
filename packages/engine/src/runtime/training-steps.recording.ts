/** Records the training steps as Node takes them: `npm run record:training-steps -w packages/engine`. */
import { writeFileSync } from 'node:fs';
import { nodeRuntime } from './node.ts';
import { trainingSteps } from './training-steps.fixture.ts';

const rounded = (_: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(7)) : value;
const target = new URL('../recorded/training-steps.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(await trainingSteps(nodeRuntime()), rounded)}\n`);
