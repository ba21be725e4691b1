/** Routes of WADO-RS that give out pictures (PS3.18 10.4.1.1.3 and 10.4.1.1.4). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DicomwebContext } from './dicomweb-options.ts';
import { frameCountOf } from './frame-bytes.ts';
import { instancesOf } from './instance-lookup.ts';
import { acceptedTypes, includes } from './media-type.ts';
import { parseRenderQuery, renderFrame } from './rendered-image.ts';
import { frameNumbers, notAcceptable, readFile } from './wado.ts';

const series = '/studies/:study/series/:series';
const instance = `${series}/instances/:instance`;
/** Of a study or series, the one in the middle stands for all. */
const thumbnails = ['/studies/:study', series, instance, `${instance}/frames/:frames`];
const thumbnailSide = 128;
const read = { config: { dicomweb: 'read' } } as const;

export function renderRoutes(app: FastifyInstance, context: DicomwebContext): void {
  for (const path of [instance, `${instance}/frames/:frames`]) {
    app.get(`${path}/rendered`, read, (request, reply) => sendPicture(request, reply, context));
  }
  const viewport = { width: thumbnailSide, height: thumbnailSide };
  for (const path of thumbnails) {
    app.get(`${path}/thumbnail`, read, (request, reply) => sendPicture(request, reply, context, viewport));
  }
}

async function sendPicture(
  request: FastifyRequest,
  reply: FastifyReply,
  { catalogue }: DicomwebContext,
  viewport?: { readonly width: number; readonly height: number },
): Promise<FastifyReply> {
  const type = pictureType(request);
  const asked = parseRenderQuery(request.query as Record<string, unknown>);
  const instances = instancesOf(request, catalogue);
  const file = await readFile(catalogue, instances[Math.floor(instances.length / 2)]!);
  const { frames } = request.params as { frames?: string };
  const middle = viewport === undefined ? 0 : Math.floor(frameCountOf(file) / 2);
  const frame = frames === undefined ? middle : frameNumbers(frames, file)[0]! - 1;
  const picture = await renderFrame(file, { ...asked, viewport: asked.viewport ?? viewport, frame, type });
  return reply.type(type).send(picture);
}

/** JPEG where the client leaves it open, as the standard wants (PS3.18 table 8.7.4-1). */
function pictureType(request: FastifyRequest): 'image/jpeg' | 'image/png' {
  for (const range of acceptedTypes(request.headers.accept)) {
    for (const type of ['image/jpeg', 'image/png'] as const) if (includes(range, type)) return type;
  }
  throw notAcceptable();
}
