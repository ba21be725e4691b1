/** Answers what is asked about projects and labels, and how readers do. */
import { openapiDocument } from '../contract/openapi.ts';
import type { Answer } from '../contract/route-table.ts';
import { labelFile } from '../handover/label-export.ts';
import { readLabelFile } from '../handover/label-import.ts';
import { measuresCsv } from '../room/measures.ts';
import { eventAnswer, versionAnswer } from './answers.ts';
import { sendProjectEvents } from './project-events.ts';
import type { ReadingContext, Some } from './reading-context.ts';

export function projectHandlers(
  { room }: ReadingContext,
  prefix: string,
): Some<'me' | 'listProjects' | 'protocol' | 'addCases' | 'propose' | 'openapi'> {
  const { projects } = room;
  const document = openapiDocument(prefix) as Answer<'openapi'>;
  return {
    me: ({ asker: { person, roles } }) => ({ person, roles }),
    listProjects: ({ asker }) => projects.list(asker),
    protocol: ({ params, query }) => projects.protocol(params.project, query.version),
    addCases: ({ asker, body, params }) => projects.addCases(asker, params.project, { ...body, dueMs: body.dueMs }),
    propose: async ({ asker, body, params, query: { digest, format, model } }) => {
      const { geometry } = room.caseOf(asker, params.project, params.case);
      const { protocol } = projects.protocol(params.project);
      const layers = await readLabelFile(body, { format, geometry, protocol });
      const named = { project: params.project, caseId: params.case, layers, model: { name: model, digest } };
      return { version: await room.propose(asker, named) };
    },
    openapi: () => document,
  };
}

export function labelHandlers({
  room,
}: ReadingContext): Some<'listVersions' | 'version' | 'versionRuns' | 'versionFile'> {
  return {
    listVersions: ({ asker, params, query }) => room.versions(asker, params.project, query.case).map(versionAnswer),
    version: async ({ asker, params }) => versionAnswer(await room.version(asker, params.project, params.version)),
    versionRuns: ({ asker, params: { layer, project, version } }) =>
      room.labelRuns(asker, project, { id: version, layer }),
    versionFile: ({ asker, params: { project, version: id }, query: { format }, reply }) =>
      room.giveOut(asker, project, {
        id,
        make: async (version) => {
          const layers = await room.label(asker, project, id);
          const { geometry, series } = await room.volumes.open(version.seriesInstanceUid);
          const protocol = room.protocolOf(project, version.protocolVersion);
          const { bytes, name, type } = labelFile(version, { format, geometry, layers, protocol, series });
          reply.header('Content-Disposition', `attachment; filename="${name}"`).type(type);
          return bytes;
        },
      }),
  };
}

export function resultHandlers({
  isStillIn,
  room,
  signal,
}: ReadingContext): Some<'agreement' | 'disagreement' | 'agreementSummary' | 'measures' | 'events' | 'eventStream'> {
  const { agreements } = room;
  return {
    agreement: ({ asker, params }) => agreements.ofCase(asker, { project: params.project, caseId: params.case }),
    disagreement: ({ asker, params }) =>
      agreements.disagreement(asker, { project: params.project, caseId: params.case }),
    agreementSummary: ({ asker, params }) => agreements.summary(asker, params.project),
    measures: ({ asker, params, query, reply }) => {
      const measures = room.measures(asker, params.project);
      if (query.format === 'csv') {
        reply.type('text/csv; charset=utf-8').send(measuresCsv(measures));
      }
      return measures;
    },
    events: ({ asker, params, query }) => room.events(asker, params.project, query).map(eventAnswer),
    eventStream: ({ asker, params, query, reply, request }) => {
      const stream = { reply, request, signal, isStillIn: () => isStillIn(request) };
      sendProjectEvents(room, { asker, project: params.project, since: query.since }, stream);
      return reply;
    },
  };
}
