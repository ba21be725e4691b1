import { describe, it } from 'vitest';
import { nodeRuntime } from './node.ts';
import { conformanceChecks, withThreads } from './runtime.conformance.ts';

describe.each([1, 2])('the runtime in Node with %i threads', (threads) => {
  const runtime = withThreads(nodeRuntime(), threads);

  for (const { name, run } of conformanceChecks) it(name, () => run(runtime));
});
