/**
 * DICOMweb (PS3.18) as a Fastify plugin: QIDO-RS, WADO-RS and STOW-RS over a catalogue and a door. One hook lets in or
 * turns away, before anything is read of a request.
 */
import { ImagingError } from '@consilium/imaging';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ArchiveError } from '../archive-error.ts';
import { ByteBudget } from '../dimse/byte-budget.ts';
import type { DicomwebContext, DicomwebOptions } from './dicomweb-options.ts';
import { qidoRoutes } from './qido-routes.ts';
import { renderRoutes } from './render-routes.ts';
import { stowRoutes } from './stow-routes.ts';
import { wadoRoutes } from './wado-routes.ts';

/** Register with the prefix of the DICOMweb root, as `/dicom-web`. */
export async function dicomwebRoutes(app: FastifyInstance, options: DicomwebOptions): Promise<void> {
  const context: DicomwebContext = {
    ...options,
    instanceBytesMax: options.instanceBytesMax ?? 2 ** 31,
    idleMs: options.idleMs ?? 60_000,
    budget: new ByteBudget({ bytesMax: options.receivedBytesMax ?? 512 * 2 ** 20 }),
    rootUrlOf: (request) => options.publicUrl ?? `${request.protocol}://${request.host}${app.prefix}`,
  };
  app.decorateRequest('dicomwebClient', '');
  app.addHook('onRequest', (request, reply) => letIn(request, reply, context));
  app.setErrorHandler(answerError);
  // Who is not let in is not told what there is.
  app.setNotFoundHandler(() => {
    throw new ArchiveError('archive.not-found', 'DICOMweb has no such address, or this archive does not offer it.');
  });
  // Bodies are read by the routes themselves, as they arrive.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  if (options.corsOrigins !== undefined && options.corsOrigins.length > 0) {
    // Preflights carry no token (Fetch standard), and are answered with nothing but headers.
    app.options('/*', (_request, reply) => reply.code(204).send());
  }
  qidoRoutes(app, context);
  wadoRoutes(app, context);
  renderRoutes(app, context);
  stowRoutes(app, context);
}

async function letIn(request: FastifyRequest, reply: FastifyReply, context: DicomwebContext): Promise<void> {
  const { origin } = request.headers;
  if (origin !== undefined && context.corsOrigins?.includes(origin)) {
    reply.headers({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Headers': 'Authorization, Accept, Content-Type',
      'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
      'Access-Control-Expose-Headers': 'Content-Type, Content-Length, Warning',
    });
  }
  reply.header('Vary', 'Origin, Accept, Authorization').header('Cache-Control', 'private, no-store');
  if (request.method === 'OPTIONS' && !request.is404) return;
  const answer = context.authorize(request, request.routeOptions.config?.dicomweb ?? 'read');
  if (answer.kind === 'allowed') {
    request.dicomwebClient = answer.client;
    return;
  }
  const isUnknown = answer.kind === 'unknown';
  if (isUnknown) reply.header('WWW-Authenticate', 'Bearer realm="dicomweb"');
  const code = isUnknown ? 'archive.token-wanted' : 'archive.not-allowed';
  throw new ArchiveError(code, isUnknown ? 'A token of a known client is needed.' : 'This client may not do that.');
}

const statusOfCode: Readonly<Record<string, number>> = {
  'archive.token-wanted': 401,
  'archive.not-allowed': 403,
  'archive.not-found': 404,
  'archive.frame-unknown': 404,
  'archive.not-acceptable': 406,
  'archive.not-convertible': 406,
  'archive.query-malformed': 400,
  'archive.query-unsupported': 400,
  'archive.multipart-malformed': 400,
  'archive.media-type-unsupported': 415,
  'archive.part-too-large': 413,
  'archive.sender-silent': 408,
};

/** The message is public; what else is known stays in the local log. */
function answerError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const isKnown = error instanceof ArchiveError || error instanceof ImagingError;
  const status = isKnown ? (statusOfCode[error.code] ?? (error instanceof ImagingError ? 406 : 500)) : 500;
  if (status >= 500) request.log.error({ err: error }, 'request failed');
  const known = isKnown ? { code: error.code, message: error.message } : { message: 'The archive failed.' };
  // What is left of a body is not read.
  if (request.method === 'POST') reply.header('Connection', 'close');
  reply.code(status).type('application/json').send(known);
}
