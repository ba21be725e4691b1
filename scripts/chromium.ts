/** Which browser tests and benchmarks drive. */
import { existsSync } from 'node:fs';

export const chromiumPaths: readonly string[] = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].filter((path) => path !== undefined);

/** undefined: there is none. */
export function findChromium(): string | undefined {
  return chromiumPaths.find((path) => existsSync(path));
}
