/** The reading room as a part of the archive's service: its people, its port, its directory. */
import type { ExtensionContext, ServiceExtension } from '@consilium/archive';
import type { FastifyInstance } from 'fastify';
import type { Asker } from '../asker.ts';
import { ReadingRoom } from '../reading-room.ts';
import { Role } from '../workflow/task-state.ts';
import { readingRoutes } from './reading-routes.ts';

const prefix = '/reading/v1';
const fileBytesMax = 1024 * 2 ** 20;

export interface ReadingExtensionOptions {
  /** What could not be done by itself, such as a hand-over to the archive. */
  readonly onTrouble?: (error: unknown) => void;
  /** Who asks, once the archive has let them in; without, everybody is the one person that the archive knows. */
  readonly identify?: (request: Parameters<ExtensionContext['access']['check']>[0]) => Asker;
}

/** Until the archive knows its users, who has its token is one person who may do everything. */
const owner: Asker = { person: 'archive', roles: Object.values(Role) };

export function readingExtension({
  identify = () => owner,
  onTrouble,
}: ReadingExtensionOptions = {}): ServiceExtension {
  return {
    prefix,
    register: async (app: FastifyInstance, { access, archive, clock, directory, labelRemotes, signal }) => {
      const trouble = onTrouble === undefined ? {} : { onTrouble };
      const remote = labelRemotes[0] === undefined ? {} : { labelRemote: labelRemotes[0] };
      const room = await ReadingRoom.open(archive, { directory, clock, ...remote, ...trouble });
      app.addHook('onClose', () => room[Symbol.asyncDispose]());
      await app.register(readingRoutes, {
        ...{ room, fileBytesMax, signal },
        identify: (request) => {
          access.check(request);
          return identify(request);
        },
      });
    },
  };
}
