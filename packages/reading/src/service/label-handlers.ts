/** Answers what is asked about projects, labels and images, and how readers do. */
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { openapiDocument } from '../contract/openapi.ts';
import type { Answer } from '../contract/route-table.ts';
import { labelFile } from '../handover/label-export.ts';
import { readLabelFile } from '../handover/label-import.ts';
import { ReadingError } from '../reading-error.ts';
import { measuresCsv } from '../room/measures.ts';
import { eventAnswer, versionAnswer } from './answers.ts';
import { sendEvents } from './event-stream.ts';
import type { ReadingContext, Some } from './reading-context.ts';

/** Slices that are read and sent together: few, so that the first image is there soon. */
const slicesPerChunk = 8;
const deflated = promisify(deflate);

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
}: ReadingContext): Some<'listVersions' | 'version' | 'versionRuns' | 'versionFile' | 'volume' | 'chunk'> {
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
    volume: async ({ asker, params }) => {
      const { geometry } = room.caseOf(asker, params.project, params.case);
      const chunks = Math.ceil(geometry.size[0] / slicesPerChunk);
      return { geometry, slicesPerChunk, chunks, encoding: 'int16le-deflate' };
    },
    chunk: async ({ asker, params: { chunk, project, ...params }, reply }) => {
      const { geometry, seriesInstanceUid } = room.caseOf(asker, project, params.case);
      const from = chunk * slicesPerChunk;
      if (from >= geometry.size[0]) {
        throw new ReadingError('reading.not-found', 'The volume has no such chunk.');
      }
      const volume = await room.volumes.open(seriesInstanceUid);
      const voxels = await volume.slices(from, Math.min(from + slicesPerChunk, geometry.size[0]));
      // An image never changes; who may see it can.
      reply.header('Cache-Control', 'private, max-age=3600');
      return deflated(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength), { level: 1 });
    },
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
      sendEvents(room, { asker, project: params.project, since: query.since, reply, request, signal, isStillIn });
      return reply;
    },
  };
}
