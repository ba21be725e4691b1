/** MONAI Label's interface as a part of the archive's service, over the reading room that is a part of it already. */
import type { ExtensionContext, ServiceExtension } from '@consilium/archive';
import type { FastifyRequest } from 'fastify';
import type { Asker } from '../asker.ts';
import type { ReadingExtension } from '../service/reading-extension.ts';
import { monaiLabelRoutes } from './monai-label-routes.ts';
import type { MonaiLabelSettings } from './monai-label-settings.ts';
import { addressesOf, type MonaiRoute, monaiRouteNeeds } from './route-needs.ts';

export interface MonaiLabelExtensionOptions {
  readonly settings: MonaiLabelSettings;
  /** Comes before it among the extensions. */
  readonly reading: ReadingExtension;
  /** Of the archive's DICOMweb, from its settings. */
  readonly dicomwebPath: string;
}

const permission = 'room.enter';

const needs: ServiceExtension['needs'] = Object.fromEntries([
  // The first page is there without its slash, too.
  ['GET ', 'anyone'],
  ...(Object.keys(monaiRouteNeeds) as MonaiRoute[]).flatMap((route) =>
    addressesOf(route).map((url) => [
      `${route.slice(0, route.indexOf(' '))} ${url}`.replace('HEAD ', 'GET '),
      monaiRouteNeeds[route] === 'open' ? 'anyone' : permission,
    ]),
  ),
]);

export function monaiLabelExtension({ dicomwebPath, reading, settings }: MonaiLabelExtensionOptions): ServiceExtension {
  return {
    ...{ prefix: settings.prefix, needs, checksItself: true },
    register: async (app, { access, archive, audit, clock, directory }) => {
      const identify = (request: FastifyRequest): Asker => {
        access.check(request, permission);
        return reading.askerOf(request, access);
      };
      await app.register(monaiLabelRoutes, {
        ...{ settings, archive, audit, clock, directory, dicomwebPath, identify, room: reading.room },
        checkStoring: (request) => void access.check(request, 'image.store'),
        logIn: async (_name, password) => (isTokenOf(access, password) ? password : undefined),
      });
    },
  };
}

/** What clients ask for as a password is a token that was made for them: it can be revoked, and allows no more than it says. */
function isTokenOf(access: ExtensionContext['access'], token: string): boolean {
  try {
    access.check({ method: 'GET', host: '', headers: { authorization: `Bearer ${token}` } }, permission);
    return true;
  } catch {
    return false;
  }
}
