/**
 * What each route of a service needs: one table, without which no route can be made. A route that is not in it fails as the
 * service starts, so that nobody forgets to think of who may ask.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access } from './access.ts';
import type { Permission } from './permission.ts';

/** `anyone`: without a login. `known`: whoever is logged in. */
type RouteNeed = Permission | 'anyone' | 'known';

/** By method and address, as `GET /api/v1/overview`. */
export type RouteNeeds = Readonly<Record<string, RouteNeed>>;

export interface RouteGuardOptions {
  readonly access: Access;
  readonly needs: RouteNeeds;
  /** Under these, who is not known is not told what there is not, either. */
  readonly prefixes: readonly string[];
  /** Under these, the routes themselves call `access.check`, because they answer in another form. */
  readonly selfChecked: readonly string[];
}

/** For every route that is registered after it, of all plugins. */
export function guardRoutes(app: FastifyInstance, { access, needs, prefixes, selfChecked }: RouteGuardOptions): void {
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) {
      if (needOf(needs, one, url) === undefined)
        throw new Error(`The route ${one} ${url} is not in the table of needs.`);
    }
  });
  const isUnder = (paths: readonly string[], { url }: FastifyRequest) => paths.some((path) => url.startsWith(path));
  app.addHook('onRequest', async (request) => {
    if (isUnder(selfChecked, request)) return;
    const { method, routeOptions } = request;
    if (request.is404 || routeOptions.url === undefined) {
      if (isUnder(prefixes, request)) access.check(request);
      return;
    }
    const need = needOf(needs, method, routeOptions.url)!;
    if (need === 'anyone') access.refuseForeignPage(request);
    else access.check(request, need === 'known' ? undefined : need);
  });
}

function needOf(needs: RouteNeeds, method: string, url: string): RouteNeed | undefined {
  const key = `${method === 'HEAD' ? 'GET' : method} ${url}`;
  return Object.hasOwn(needs, key) ? needs[key] : undefined;
}

/** The table of a plugin, under its prefix. */
export function needsUnder(prefix: string, needs: RouteNeeds): RouteNeeds {
  return Object.fromEntries(Object.entries(needs).map(([route, need]) => [route.replace(' ', ` ${prefix}`), need]));
}
