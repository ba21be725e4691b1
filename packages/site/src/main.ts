/**
 * The process inside the hospital. Started by a coordinator in a rehearsal; speaks the protocol over the channel to its
 * parent and ends with it. Ctrl-C in the terminal is the coordinator's to handle: it stops its sites in order.
 */
import { join } from 'node:path';
import { nodeRuntime } from '@consilium/engine/node';
import type { SiteMessage } from '@consilium/protocol';
import { CoordinatorLink } from './coordinator-link.ts';
import { openLocalLog } from './ports/local-log.ts';
import { parseSettings } from './settings.ts';
import { Site } from './site.ts';

const aliveEveryMs = 5000;

function send(message: SiteMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) return resolve();
    process.send!(message, () => resolve());
  });
}

const link = new CoordinatorLink({
  send,
  configure: (received) => {
    const settings = parseSettings(received);
    const log = openLocalLog(join(settings.workDirectory, 'log.jsonl'));
    return { worker: new Site({ settings, log, runtime: nodeRuntime() }), siteId: settings.siteId, log };
  },
  onStop: () => process.exit(0),
});
process.on('message', (received) => void link.receive(received));
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});
setInterval(() => void send({ kind: 'alive' }), aliveEveryMs);
