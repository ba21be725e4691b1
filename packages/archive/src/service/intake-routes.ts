/** Routes by which studies are sent or fetched: uploads, folders of this machine, remote archives. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Admission } from '../admission.ts';
import * as api from '../api.ts';
import { ArchiveError } from '../archive-error.ts';
import type { Intake } from '../intake/intake.ts';
import { type ConsoleContext, type Named, parsed } from './console-context.ts';
import type { RemoteStudy } from './remote-peer.ts';

/** A search at a PACS without any key would list all of it. */
const remoteStudiesMax = 200;

export function intakeRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { archive, instanceBytesMax, pulls, remotes, signal } = context;
  app.addContentTypeParser(
    ['application/dicom', 'application/octet-stream', 'application/zip'],
    (_request, body, done) => done(null, body),
  );
  app.post('/uploads/instance', { bodyLimit: instanceBytesMax }, async ({ body }): Promise<Admission> => {
    if (!(body instanceof Readable)) throw new ArchiveError('archive.request-malformed', 'Send the file as the body.');
    return archive.door.admit(await bytesOf(body, instanceBytesMax), { kind: 'upload' });
  });
  app.post('/uploads/zip', { bodyLimit: Number.MAX_SAFE_INTEGER }, async ({ body }) => {
    if (!(body instanceof Readable)) throw new ArchiveError('archive.request-malformed', 'Send the file as the body.');
    return archive.intake.importZip(body, { signal });
  });
  app.post('/imports', async ({ body }) => {
    const { path, oneSeriesAFolder } = parsed(api.importSchema, body);
    const { id } = await archive.intake.beginFolder(path, { signal, oneSeriesAFolder });
    return importEntry(archive.intake, archive.intake.report(id));
  });
  app.get('/imports', async () => importEntries(archive.intake));
  app.get<Named>('/imports/:id', async ({ params }) => importEntry(archive.intake, archive.intake.report(params.id)));
  app.post<Named>('/imports/:id/stop', async ({ params }) => {
    await archive.intake.stop(params.id);
    return importEntry(archive.intake, archive.intake.report(params.id));
  });
  app.post<Named>('/imports/:id/go-on', async ({ params }) =>
    importEntry(archive.intake, archive.intake.goOn(params.id, { signal })),
  );

  const remoteOf = (name: string) => {
    const remote = remotes.get(name);
    if (remote === undefined) {
      throw new ArchiveError('archive.remote-unknown', 'The settings name no such remote archive.');
    }
    return remote;
  };
  app.post<Named>('/remotes/:id/verify', async ({ params }) => {
    await remoteOf(params.id).verify(signal);
    return {};
  });
  app.post<Named>('/remotes/:id/search', async ({ body, params }) => {
    const studies: RemoteStudy[] = [];
    for await (const study of remoteOf(params.id).find(parsed(api.remoteQuerySchema, body), signal)) {
      if (studies.length === remoteStudiesMax) return { studies, hasMore: true };
      studies.push(study);
    }
    return { studies, hasMore: false };
  });
  app.post<Named>('/remotes/:id/pulls', async ({ body, params }) =>
    pulls.begin(params.id, parsed(api.pullSchema, body)),
  );
  app.get('/pulls', async () => pulls.list());
  app.delete<Named>('/pulls/:id', async ({ params }) => {
    await pulls.cancel(params.id);
    return {};
  });
}

/** The newest first. */
export function importEntries(intake: Intake): readonly api.ImportEntry[] {
  return intake.reports().map((report) => importEntry(intake, report));
}

function importEntry(intake: Intake, report: api.ImportReport): api.ImportEntry {
  return { ...report, progress: intake.progress(report.id) ?? null };
}

/** @throws ArchiveError `archive.part-too-large` */
export async function bytesOf(body: Readable, bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax)
      throw new ArchiveError('archive.part-too-large', 'The file is larger than the archive takes.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
