/**
 * What each route of an archive's service needs of who asks: the one table, held by the guard of routes and walked by the test
 * of who may ask. A route that is not here cannot be made. Where names of patients can be seen it is `identity.reveal`, or
 * `image.store` for who sends: they see what files and folders were called.
 */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { needsUnder, peopleRouteNeeds, type RouteNeeds } from '@consilium/people';

const consoleNeeds: RouteNeeds = {
  'GET /overview': 'catalogue.read',
  'GET /events': 'catalogue.read',
  'GET /arrivals': 'catalogue.read',
  'GET /roads': 'catalogue.read',
  'GET /reidentifications': 'identity.reveal',
  'POST /reidentify': 'identity.reveal',
  'POST /pseudonym': 'identity.reveal',
  'GET /erasures': 'subject.erase',
  'POST /subjects/:id/erase': 'subject.erase',
  'POST /subjects/:id/allow': 'subject.erase',
  'GET /fields': 'catalogue.read',
  'GET /search': 'catalogue.read',
  'GET /facet': 'catalogue.read',
  'GET /histogram': 'catalogue.read',
  'GET /findings': 'catalogue.read',
  'GET /subjects': 'catalogue.read',
  'GET /subjects/:id': 'catalogue.read',
  'GET /studies/:id': 'catalogue.read',
  'GET /series/:id': 'catalogue.read',
  'GET /series/:id/thumbnail': 'image.read',
  'POST /series/:id/tags': 'catalogue.curate',
  'DELETE /series/:id/tags/:tag': 'catalogue.curate',
  'POST /series/:id/notes': 'catalogue.curate',
  'POST /series/:id/findings': 'catalogue.curate',
  'DELETE /series/:id/findings/:source/:code': 'catalogue.curate',
  'PUT /series/:id/phase': 'catalogue.curate',
  'POST /series/:id/settle': 'catalogue.curate',
  'POST /settle': 'catalogue.curate',
  'GET /series/:id/label': 'image.read',
  'POST /series/:id/labels': 'label.write',
  'GET /cohorts': 'catalogue.read',
  'POST /cohorts/preview': 'catalogue.read',
  'POST /cohorts': 'cohort.freeze',
  'GET /cohorts/:id': 'catalogue.read',
  'POST /splits': 'cohort.freeze',
  'GET /splits': 'catalogue.read',
  'GET /splits/:id': 'catalogue.read',
  'POST /splits/:id/extend': 'cohort.freeze',
  'GET /quarantine': 'identity.reveal',
  'GET /quarantine/:id': 'identity.reveal',
  'POST /quarantine/:id/release': 'identity.reveal',
  'DELETE /quarantine/:id': 'identity.reveal',
  'POST /uploads/instance': 'image.store',
  'POST /uploads/zip': 'image.store',
  'POST /imports': 'image.store',
  'GET /imports': 'image.store',
  'GET /imports/:id': 'image.store',
  'POST /imports/:id/stop': 'image.store',
  'POST /imports/:id/go-on': 'image.store',
  'POST /remotes/:id/verify': 'image.store',
  'POST /remotes/:id/search': 'image.store',
  'POST /remotes/:id/pulls': 'image.store',
  'GET /pulls': 'image.store',
  'DELETE /pulls/:id': 'image.store',
};

const series = '/studies/:study/series/:series';
const instance = `${series}/instances/:instance`;
const dicomwebNeeds: RouteNeeds = {
  ...Object.fromEntries(
    [
      ...['/studies', '/series', '/instances', '/studies/:study/series', '/studies/:study/instances'],
      ...[`${series}/instances`, '/studies/:study', '/studies/:study/metadata', series, `${series}/metadata`],
      ...[instance, `${instance}/metadata`, `${instance}/frames/:frames`, `${instance}/bulkdata/*`],
      ...[`${instance}/rendered`, `${instance}/frames/:frames/rendered`, '/studies/:study/thumbnail'],
      ...[`${series}/thumbnail`, `${instance}/thumbnail`, `${instance}/frames/:frames/thumbnail`],
    ].map((path) => [`GET ${path}`, 'image.read'] as const),
  ),
  'POST /studies': 'image.store',
  'POST /studies/:study': 'image.store',
  // Preflights carry no token (Fetch standard).
  'OPTIONS /*': 'anyone',
};

export const consolePrefix = '/api/v1';

export interface NeedsOptions {
  readonly dicomwebPath: string;
  /** Directory of the built pages, which say nothing of the archive. */
  readonly pages: string | undefined;
  readonly extensions: readonly { readonly prefix: string; readonly needs: RouteNeeds }[];
}

export function routeNeedsOf({ dicomwebPath, extensions, pages }: NeedsOptions): RouteNeeds {
  return {
    ...needsUnder(consolePrefix, consoleNeeds),
    ...needsUnder(consolePrefix, peopleRouteNeeds),
    ...needsUnder(dicomwebPath, dicomwebNeeds),
    ...Object.fromEntries((pages === undefined ? [] : pageAddresses(pages)).map((url) => [`GET ${url}`, 'anyone'])),
    ...Object.assign({}, ...extensions.map(({ needs, prefix }) => needsUnder(prefix, needs))),
  };
}

function pageAddresses(directory: string): readonly string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ name, parentPath }) => relative(directory, join(parentPath, name)).split(sep).join('/'));
  return ['/', ...paths.map((path) => `/${path}`)];
}
