/** The reading room as a part of the archive's service: its people, its port, its directory. */

import type { ExtensionContext, ServiceExtension } from '@consilium/archive';
import { auditSubject } from '@consilium/audit';
import type { FastifyInstance } from 'fastify';
import { type Asker, house } from '../asker.ts';
import { type RouteContract, routeTable } from '../contract/route-table.ts';
import { ReadingRoom } from '../reading-room.ts';
import type { Recorder } from '../room/room-act.ts';
import { Role } from '../workflow/task-state.ts';
import { readingRoutes } from './reading-routes.ts';

const prefix = '/reading/v1';
const fileBytesMax = 1024 * 2 ** 20;

export interface ReadingExtensionOptions {
  /** Folders of annotation apps, besides those that come with Consilium. */
  readonly apps?: readonly string[];
  /** What could not be done by itself, such as a hand-over to the archive. */
  readonly onTrouble?: (error: unknown) => void;
  /** Who asks, in place of the person whom the archive has let in. */
  readonly identify?: (request: AskedRequest) => Asker;
}

type AskedRequest = Parameters<ExtensionContext['access']['of']>[0];

/** What other interfaces over the same reading room build on. */
export interface ReadingExtension extends ServiceExtension {
  /** Asserts that the extension was registered. */
  readonly room: ReadingRoom;
  /** Who asks, once the archive has let them in. */
  readonly askerOf: (request: AskedRequest, access: ExtensionContext['access']) => Asker;
}

const permission = 'room.enter';

/** What a person may do with a task, the roles of the reading room decide. */
const needs: ServiceExtension['needs'] = Object.fromEntries(
  Object.values<RouteContract>(routeTable).map(({ method, path }) => [`${method} ${path}`, permission]),
);

export function readingExtension({ apps = [], identify, onTrouble }: ReadingExtensionOptions = {}): ReadingExtension {
  let opened: ReadingRoom | undefined;
  const whoAsks: ReadingExtension['askerOf'] = (request, access) =>
    identify === undefined ? askerOf(access.of(request)) : identify(request);
  return {
    prefix,
    needs,
    get room(): ReadingRoom {
      if (opened === undefined) throw new Error('The reading room comes before what is built on it.');
      return opened;
    },
    askerOf: whoAsks,
    register: async (app: FastifyInstance, { access, archive, audit, clock, directory, labelRemotes, signal }) => {
      const trouble = onTrouble === undefined ? {} : { onTrouble };
      const remote = labelRemotes[0] === undefined ? {} : { labelRemote: labelRemotes[0] };
      const room = await ReadingRoom.open(archive, {
        ...{ apps, directory, clock, record: recorderOf(audit), ...remote, ...trouble },
      });
      opened = room;
      app.addHook('onClose', () => room[Symbol.asyncDispose]());
      await app.register(readingRoutes, {
        ...{ room, fileBytesMax, signal },
        identify: (request) => whoAsks(request, access),
        isStillIn: (request) => access.isStillIn(request, permission),
      });
    },
  };
}

/** Persons as the archive names them, the reading room's own work by its name. */
function recorderOf(audit: ExtensionContext['audit']): Recorder {
  return ({ action, person, subjects }, done) => {
    const actor =
      person === house.person
        ? ({ kind: 'service', id: 'reading' } as const)
        : ({ kind: 'person', id: auditSubject('account', person).id } as const);
    return audit.doing({ actor, action, subjects }, done);
  };
}

/** Of the roles of an archive, those that the reading room knows. */
function askerOf({ name, roles }: ReturnType<ExtensionContext['access']['of']>): Asker {
  const known = Object.values(Role);
  return { person: name, roles: known.filter((role) => roles.includes(role)) };
}
