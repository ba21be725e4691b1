/**
 * A hostile site: beside what its agent says it says other things, of its own tasks and of others', and says again what
 * it said long ago. None of it may change anything for anyone else, and no contribution may come of it.
 */
import type { Random } from '@consilium/numerics';
import type { SiteId, SiteMessage, TaskId, Verdict } from '@consilium/protocol';
import type { CoordinatorPort } from '../site-agent.ts';

export interface HostilePortOptions {
  readonly port: CoordinatorPort;
  readonly random: Random;
  readonly forgeryChance: number;
  readonly siteId: SiteId;
  readonly victims: readonly SiteId[];
}

const never = new AbortController().signal;

export function hostilePort({ port, random, forgeryChance, siteId, victims }: HostilePortOptions): CoordinatorPort {
  const said: SiteMessage[] = [];
  const forge = (message: SiteMessage): unknown => {
    const victim = random.choice(victims);
    const own = 'taskId' in message ? message.taskId : `none/1/train/${siteId}`;
    const taskId = own.replace(new RegExp(`${siteId}$`), victim) as TaskId;
    const failure = { code: 'site.no-usable-case', message: 'None.', lasting: true };
    return random.choice<() => unknown>([
      () => ({ ...message, taskId }),
      () => ({ kind: 'failure', taskId, attempt: 1, failure }),
      () => random.choice(said),
      () => ({ kind: 'contribution', taskId: own, attempt: 1, contribution: { kind: 'train', weights: 'junk' } }),
      () => ({ kind: 'contribution', taskId: '../../log/1', attempt: 1, contribution: null }),
      () => 'junk',
    ])();
  };
  return {
    openLine: (hello, signal) => port.openLine(hello, signal),
    fetchBlob: (id, signal) => port.fetchBlob(id, signal),
    offerBlob: (id, signal) => port.offerBlob(id, signal),
    send: (message, signal): Promise<Verdict> => {
      if (message.kind === 'contribution' && said.length < 20) said.push(message);
      if (random.chance(forgeryChance) && said.length > 0) {
        void port.send(forge(message) as SiteMessage, never).catch(() => {});
      }
      return port.send(message, signal);
    },
  };
}
