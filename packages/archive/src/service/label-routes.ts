/** Routes by which segmentations leave the archive as files, and come back. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import * as api from '../api.ts';
import { ArchiveError } from '../archive-error.ts';
import { type ConsoleContext, type Named, parsed } from './console-context.ts';
import { bytesOf } from './intake-routes.ts';

const mediaTypes = { 'dicom-seg': 'application/dicom', nifti: 'application/gzip', nrrd: 'application/octet-stream' };

export function labelRoutes(app: FastifyInstance, { archive, instanceBytesMax }: ConsoleContext): void {
  app.get<Named>('/series/:id/label', async ({ params, query }, reply) => {
    const asked = parsed(api.labelExportSchema, query);
    const bytes = await archive.labels.export(params.id, asked);
    return reply.type(mediaTypes[asked.format]).send(Buffer.from(bytes));
  });
  app.post<Named>('/series/:id/labels', { bodyLimit: instanceBytesMax }, async ({ body, params, query }) => {
    if (!(body instanceof Readable)) throw new ArchiveError('archive.request-malformed', 'Send the file as the body.');
    const facts = parsed(api.labelImportSchema, query);
    await archive.labels.import(params.id, await bytesOf(body, instanceBytesMax), facts);
    await archive.series.settle(params.id);
    return archive.catalogue.seriesDetails(params.id).labels;
  });
}
