import { defineConfig } from 'vitest/config';
import { findChromium } from './scripts/chromium.ts';

export default defineConfig({
  resolve: { conditions: ['consilium-source'] },
  ssr: { resolve: { conditions: ['consilium-source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    env: { CHROMIUM_PATH: findChromium() ?? '' },
    execArgv: ['--no-maglev'], // as our programs run: docs/decisions/0009-same-bytes.md
  },
});
