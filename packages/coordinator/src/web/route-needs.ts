/** What each route of the pages' service needs of who asks: from the one table of `api.ts`, and that of people. */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { needsUnder, peopleRouteNeeds, type RouteNeeds } from '@consilium/people';
import { routes } from '../api.ts';

export const webPrefix = '/api/v1';

/** @param pages directory of the built pages, which say nothing of the project. */
export function webRouteNeeds(pages: string | undefined): RouteNeeds {
  const own = Object.values(routes).map(({ method, needs, path }) => [`${method} ${path}`, needs] as const);
  return {
    ...needsUnder(webPrefix, Object.fromEntries(own)),
    ...needsUnder(webPrefix, peopleRouteNeeds),
    ...Object.fromEntries((pages === undefined ? [] : pageAddresses(pages)).map((url) => [`GET ${url}`, 'anyone'])),
  };
}

function pageAddresses(directory: string): readonly string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ name, parentPath }) => relative(directory, join(parentPath, name)).split(sep).join('/'));
  return ['/', ...paths.map((path) => `/${path}`)];
}
