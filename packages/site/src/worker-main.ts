/**
 * The process that reads the hospital's images and trains on them. Started by the site's service, speaks to it over the
 * channel to its parent, and ends with it. Ctrl-C in the terminal is the service's to handle.
 */
import { join } from 'node:path';
import { nodeRuntime } from '@consilium/engine/node';
import { systemClock } from '@consilium/transport';
import { leaveOutMaglev } from '@consilium/transport/compiler';
import { openLocalLog } from './ports/local-log.ts';
import { parseWorkerSettings } from './settings.ts';
import { SiteTasks } from './site-tasks.ts';
import { WorkerLink } from './worker-link.ts';
import type { FromWorker } from './worker-messages.ts';

leaveOutMaglev();
const aliveEveryMs = 5000;

function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) return resolve();
    process.send!(message, () => resolve());
  });
}

const link = new WorkerLink({
  send,
  configure: (received) => {
    const settings = parseWorkerSettings(received);
    const log = openLocalLog(join(settings.workDirectory, 'log.jsonl'));
    return { performer: new SiteTasks({ settings, log, runtime: nodeRuntime() }), log };
  },
  clock: systemClock,
  residentBytes: process.memoryUsage.rss,
  onStop: () => process.exit(0),
});
process.on('message', (received) => void link.receive(received));
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});
setInterval(() => void send({ kind: 'alive', residentBytes: process.memoryUsage.rss() }), aliveEveryMs);
