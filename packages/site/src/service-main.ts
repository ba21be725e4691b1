#!/usr/bin/env node
/**
 * The site's service as a program: `service-main <directory>`. Ends at SIGTERM or Ctrl-C, or with the process that
 * started it as a child. What it could not begin with is its last line on stderr.
 */
import { leaveOutMaglev } from '@consilium/transport/compiler';
import { runSite } from './site-service.ts';

leaveOutMaglev();
const directory = process.argv[2];
const over = new AbortController();
process.on('SIGTERM', () => over.abort()).on('SIGINT', () => over.abort());
if (process.connected) process.on('disconnect', () => process.exit(0));
const holdOpen = setInterval(() => {}, 60_000);
try {
  await runSite(directory ?? '.', { signal: over.signal });
} catch (error) {
  const { code, message } = error as { code?: unknown; message?: unknown };
  process.stderr.write(
    `${typeof code === 'string' ? `${message} (${code})` : String((error as Error)?.stack ?? error)}\n`,
  );
  process.exitCode = 1;
}
clearInterval(holdOpen);
process.disconnect?.();
