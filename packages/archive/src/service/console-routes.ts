/** The archive's interface for its pages and commands: every route of `api.ts`. Who may ask is in `route-needs.ts`. */
import { statfs } from 'node:fs/promises';
import { answerPeopleError, PeopleError } from '@consilium/people';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as api from '../api.ts';
import { ArchiveError } from '../archive-error.ts';
import { QueryError } from '../search/query-error.ts';
import { searchFields } from '../search/search-fields.ts';
import { auditRoutes } from './audited-routes.ts';
import { type ConsoleContext, type Named, parsed } from './console-context.ts';
import { erasureRoutes } from './erasure-routes.ts';
import { sendEvents } from './event-stream.ts';
import { importEntries, intakeRoutes } from './intake-routes.ts';
import { labelRoutes } from './label-routes.ts';
import { attributeChangeOf, splitFactsOf } from './service-facts.ts';

/** Register with the prefix `/api/v1`. */
export async function consoleRoutes(app: FastifyInstance, context: ConsoleContext): Promise<void> {
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Cache-Control', 'no-store');
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new ArchiveError('archive.not-found', 'The archive has no such address.');
  });
  auditRoutes(app, context);
  overviewRoutes(app, context);
  catalogueRoutes(app, context);
  cohortRoutes(app, context);
  quarantineRoutes(app, context);
  intakeRoutes(app, context);
  erasureRoutes(app, context);
  labelRoutes(app, context);
}

function overviewRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { access, archive, arrivals, directory, overviewRoads, project, pulls, roads, signal } = context;
  app.get('/overview', async (request): Promise<api.Overview> => {
    // What files and folders are called may name patients.
    const seesNames = access.of(request).permissions.has('image.store');
    const { bavail, bsize } = await statfs(directory);
    const { findings, instanceBytes, quarantined, waitingSeries } = archive.catalogue.totals();
    return {
      ...{ project, waitingSeries, quarantined, findings },
      roads: overviewRoads,
      counts: archive.catalogue.count(''),
      storage: { instanceBytes, freeBytes: bavail * bsize },
      imports: seesNames ? importEntries(archive.intake).slice(0, 20) : [],
      pulls: seesNames ? pulls.list().slice(0, 50) : [],
    };
  });
  app.get('/events', (request, reply) => {
    const isStillIn = () => access.isStillIn(request, 'catalogue.read');
    sendEvents({ request, reply, signal, isStillIn }, (send) => [
      archive.events.listen((event) => send(() => [`data: ${JSON.stringify(event)}`])),
    ]);
  });
  app.get('/arrivals', async (): Promise<api.Arrivals> => arrivals.counts());
  app.get('/roads', async (): Promise<api.Roads> => roads());
  app.get('/reidentifications', async (): Promise<readonly api.Reidentification[]> => context.reidentifications());
  app.post('/reidentify', async (request) => {
    const asked = parsed(api.reidentifySchema, request.body);
    await context.noteReidentification(asked);
    return { facts: archive.reidentify(asked.level, asked.pseudonym) };
  });
}

function catalogueRoutes(app: FastifyInstance, { archive }: ConsoleContext): void {
  const { catalogue, curation, series } = archive;
  app.get(
    '/fields',
    async (): Promise<api.FieldAnswer> =>
      searchFields.map(({ name, type, description }) => ({ name, type, description })),
  );
  app.get('/search', async (request): Promise<api.SearchAnswer> => {
    const { query, sortBy, ...rest } = parsed(api.searchSchema, request.query);
    const page = catalogue.search(query, { ...rest, ...(sortBy === undefined ? {} : { sortBy }) });
    return { ...page, counts: catalogue.count(query) };
  });
  app.get('/facet', async (request) => {
    const { field, query } = parsed(api.facetSchema, request.query);
    return catalogue.facet(query, field);
  });
  app.get('/histogram', async (request) => {
    const { bins, field, query } = parsed(api.histogramSchema, request.query);
    return catalogue.histogram(query, field, { bins });
  });
  app.get('/findings', async (): Promise<readonly api.FindingGroup[]> => catalogue.findingGroups());
  app.get('/subjects', async (request) => catalogue.subjects(parsed(api.pageSchema, request.query)));
  app.get<Named>('/subjects/:id', async ({ params }) => catalogue.studiesOf(params.id));
  app.get<Named>(
    '/studies/:id',
    async ({ params: { id } }): Promise<api.StudyDetails> => ({
      series: catalogue.seriesOf(id),
      deidentification: catalogue.deidentificationOf(id).map(attributeChangeOf),
    }),
  );
  app.get<Named>('/series/:id', async ({ params }) => catalogue.seriesDetails(params.id));
  app.get<Named>('/series/:id/thumbnail', async ({ params }, reply) => {
    const png = catalogue.thumbnail(params.id);
    if (png === undefined) throw new ArchiveError('archive.not-found', 'The series has no picture.');
    return reply.header('Cache-Control', 'private, max-age=60').type('image/png').send(Buffer.from(png));
  });
  app.post<Named>('/series/:id/tags', async ({ body, params }) => {
    await curation.tag(params.id, parsed(api.tagSchema, body).tag);
    return {};
  });
  app.delete<{ Params: { id: string; tag: string } }>('/series/:id/tags/:tag', async ({ params }) => {
    await curation.untag(params.id, params.tag);
    return {};
  });
  app.post<Named>('/series/:id/notes', async ({ body, params }) => {
    await curation.note(params.id, parsed(api.noteSchema, body));
    return {};
  });
  app.post<Named>('/series/:id/findings', async ({ body, params }) => {
    await curation.find(params.id, parsed(api.findingSchema, body));
    return {};
  });
  app.delete<{ Params: { id: string; source: string; code: string } }>(
    '/series/:id/findings/:source/:code',
    async ({ params: { id, ...finding } }) => {
      await curation.withdrawFinding(id, finding);
      return {};
    },
  );
  app.put<Named>('/series/:id/phase', async ({ body, params }) => {
    await curation.setPhase(params.id, parsed(api.phaseSchema, body).phase);
    return {};
  });
  app.post<Named>('/series/:id/settle', async ({ params }) => {
    await series.settle(params.id);
    return catalogue.seriesDetails(params.id);
  });
  app.post('/settle', async () => {
    await series.settle();
    return {};
  });
}

function cohortRoutes(app: FastifyInstance, { archive: { cohorts } }: ConsoleContext): void {
  app.get('/cohorts', async () => cohorts.list());
  app.post('/cohorts/preview', async ({ body }) => {
    const { query, rules } = parsed(api.previewSchema, body);
    return cohorts.preview(query, rules);
  });
  app.post('/cohorts', async ({ body }) => {
    const { name, query, rules } = parsed(api.freezeSchema, body);
    return cohorts.freeze(name, query, rules);
  });
  app.get<Named>('/cohorts/:id', async ({ params, query }) => {
    const selector = { name: params.id, ...parsed(api.versionSchema, query) };
    return { version: cohorts.version(selector), members: cohorts.members(selector) };
  });
  app.post('/splits', async ({ body }) => splitFactsOf(await cohorts.createSplit(parsed(api.splitSchema, body))));
  app.get('/splits', async () => cohorts.listSplits().map(splitFactsOf));
  app.get<Named>('/splits/:id', async ({ params }) => splitFactsOf(cohorts.split(params.id)));
  app.post<Named>('/splits/:id/extend', async ({ body, params }) =>
    splitFactsOf(await cohorts.extendSplit(params.id, parsed(api.extendSchema, body))),
  );
}

function quarantineRoutes(app: FastifyInstance, { archive: { door, quarantine } }: ConsoleContext): void {
  app.get('/quarantine', async (request) => quarantine.list(parsed(api.pageSchema, request.query)));
  app.get<Named>('/quarantine/:id', async ({ params }) => ({ detail: quarantine.detail(params.id) ?? null }));
  app.post<Named>('/quarantine/:id/release', async ({ params }) => door.release(params.id));
  app.delete<Named>('/quarantine/:id', async ({ params }) => {
    await quarantine.delete(params.id);
    return {};
  });
}

const statusOfCode: Readonly<Record<string, number>> = {
  'archive.split-exists': 409,
  'archive.disk-full': 507,
  'archive.not-writable': 500,
  'archive.part-too-large': 413,
};

function statusOf(code: string): number {
  if (/\.(?:not-found|\w+-unknown)$/.test(code) && code !== 'archive.query-field-unknown') return 404;
  return statusOfCode[code] ?? 400;
}

function answerError(error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void {
  if (error instanceof PeopleError) {
    answerPeopleError(error, reply);
    return;
  }
  if (error instanceof ArchiveError) {
    const { code, message } = error;
    const position = error instanceof QueryError ? { position: error.position } : {};
    reply.code(statusOf(code)).send({ code, message, ...position });
    return;
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  const message = status >= 500 ? 'The archive failed: its log says more.' : error.message;
  reply.code(status).send({ code: status >= 500 ? 'archive.failed' : 'archive.request-malformed', message });
}
