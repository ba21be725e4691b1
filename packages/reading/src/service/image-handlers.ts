/** Answers what is asked about images: of a case, and of the series beside it. */
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import type { FastifyReply } from 'fastify';
import type { Answer } from '../contract/route-table.ts';
import { ReadingError } from '../reading-error.ts';
import type { SeriesVolume } from '../series/series-volumes.ts';
import type { ReadingContext, Some } from './reading-context.ts';

/** Slices that are read and sent together: few, so that the first image is there soon. */
const slicesPerChunk = 8;
const deflated = promisify(deflate);

export function imageHandlers({
  room,
}: ReadingContext): Some<'volume' | 'chunk' | 'listBeside' | 'besideVolume' | 'besideChunk'> {
  return {
    volume: ({ asker, params }) => factsOf(room.caseOf(asker, params.project, params.case).geometry),
    chunk: async ({ asker, params: { chunk, project, ...params }, reply }) => {
      const { geometry, seriesInstanceUid } = room.caseOf(asker, project, params.case);
      return slicesOf(() => room.volumes.open(seriesInstanceUid), { chunk, slices: geometry.size[0], reply });
    },
    listBeside: ({ asker, params }) =>
      room.seriesBeside(asker, params.project, params.case).map(({ date, modality, number, phase, ...one }) => ({
        ...{ ...one, date: date ?? null, modality: modality ?? null, number: number ?? null, phase: phase ?? null },
      })),
    besideVolume: async ({ asker, params }) => {
      const own = room.caseOf(asker, params.project, params.case);
      const beside = await room.volumeBeside(asker, params.project, { caseId: params.case, series: params.series });
      const { series } = await room.volumes.open(own.seriesInstanceUid);
      const frame = series?.frameOfReferenceUid ?? '';
      const isSameFrame = frame !== '' && frame === beside.series?.frameOfReferenceUid;
      return { ...factsOf(beside.geometry), isSameFrame };
    },
    besideChunk: async ({ asker, params: { chunk, project, series, ...params }, reply }) => {
      const volume = await room.volumeBeside(asker, project, { caseId: params.case, series });
      return slicesOf(async () => volume, { chunk, slices: volume.geometry.size[0], reply });
    },
  };
}

function factsOf(geometry: SeriesVolume['geometry']): Answer<'volume'> {
  return {
    geometry,
    slicesPerChunk,
    chunks: Math.ceil(geometry.size[0] / slicesPerChunk),
    encoding: 'int16le-deflate',
  };
}

/** @throws ReadingError `reading.not-found` */
async function slicesOf(
  open: () => Promise<SeriesVolume>,
  { chunk, reply, slices }: { chunk: number; slices: number; reply: FastifyReply },
): Promise<Uint8Array> {
  const from = chunk * slicesPerChunk;
  if (from >= slices) throw new ReadingError('reading.not-found', 'The volume has no such chunk.');
  const volume = await open();
  const voxels = await volume.slices(from, Math.min(from + slicesPerChunk, slices));
  // An image never changes; who may see it can.
  reply.header('Cache-Control', 'private, max-age=3600');
  return deflated(new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength), { level: 1 });
}
