/** `/infer` and `/batch/infer`: what models draw, as files and numbers the way MONAI Label's clients want them. */
import { randomBytes } from 'node:crypto';
import { encodeNifti, encodeNrrd, type Geometry } from '@consilium/imaging';
import { z } from 'zod';
import { house } from '../asker.ts';
import { flattened } from '../handover/archive-handover.ts';
import { labelFile } from '../handover/label-export.ts';
import { ReadingError } from '../reading-error.ts';
import type { Version } from '../store/version-store.ts';
import type { TaskWork } from './background-tasks.ts';
import { clicksOf, drawnByClicks } from './click-inference.ts';
import { type DatastoreImage, finalTag, originalTag } from './datastore.ts';
import { modelOf } from './model-routes.ts';
import {
  type AddRoute,
  attach,
  checked,
  formOf,
  jsonOf,
  type MonaiContext,
  type MonaiTurn,
  objectOf,
  queryOf,
} from './monai-context.ts';
import { runQuery, statusHandler } from './task-routes.ts';

const inferQuery = z.object({
  image: z.string().max(1000).default(''),
  session_id: z.string().max(200).default(''),
  output: z.enum(['image', 'json', 'all', 'dicom_seg']).default('all'),
});

const inferParams = z.looseObject({
  result_extension: z.string().max(20).nullish(),
  result_compress: z.boolean().nullish(),
});

export function inferRoutes(add: AddRoute, context: MonaiContext): void {
  add('POST /infer/:model', (turn) => infer(context, turn));
  for (const route of ['POST /infer/wsi/:model', 'POST /infer/wsi_v2/:model'] as const) {
    add(route, () => {
      throw new ReadingError('reading.infer-unavailable', 'There are no models for slides of pathology here.');
    });
  }
  batchRoutes(add, context);
}

/** What a model drew, with where it is kept if it is. */
interface Drawn {
  readonly layers: readonly Uint8Array[];
  readonly version: Version | undefined;
}

async function infer(context: MonaiContext, turn: MonaiTurn): Promise<unknown> {
  const { clock, datastore } = context;
  const { image: name, output, session_id: session } = queryOf(inferQuery, turn);
  await using form = await formOf(context, turn);
  const params = objectOf(form.fields.get('params'), 'body.params');
  const wanted = checked(inferParams, params, 'body.params');
  if (form.files.length > 0 || session !== '') {
    const message =
      'Models draw on the images of the project. Send the image into it first, or drop scribbles and files.';
    throw new ReadingError('reading.infer-unavailable', message);
  }
  const model = modelOf(context, turn.params['model']!);
  const image = datastore.image(turn.asker, name);
  const begunMs = clock.nowMs();
  const drawn: Drawn =
    model.kind === 'automatic'
      ? await drawnByModel(context, turn, { caseId: image.id, digest: model.digest })
      : {
          layers: await drawnByClicks(context, turn, { clicks: clicksOf(params, datastore.protocol), image, model }),
          version: undefined,
        };
  const result = resultOf(context, drawn, { latencyMs: clock.nowMs() - begunMs });
  if (output === 'json') return result;
  if (output === 'dicom_seg') return sendSegmentation(context, turn, { drawn, image });
  const file = volumeOf(drawn, image.geometry, wanted);
  const fileName = `${image.id}${file.extension}`;
  if (output === 'image') return attach(turn, fileName).send(file.bytes);
  return sendForm(turn, { file: file.bytes, fileName, params: result });
}

/** Kept as a proposal, as everything that models draw by themselves; asked again, the same one is answered. */
async function drawnByModel(
  { datastore: { project }, room }: MonaiContext,
  { asker }: MonaiTurn,
  wanted: { caseId: string; digest: string },
): Promise<Drawn> {
  const { proposals } = room.models;
  const asked = await proposals.askFor(asker, project, wanted);
  if (asked.kind === 'asked') {
    const { code, state } = await room.models.ended(project, asked.work);
    if (state !== 'done') {
      const message = `The model could not draw: ${code ?? 'it was told to stop'}.`;
      throw new ReadingError('reading.infer-failed', message);
    }
  }
  const made =
    asked.kind === 'there'
      ? asked.version
      : proposals.ofCase(wanted.caseId).find((one) => one.digest === wanted.digest)!.version;
  // That the case is the asker's to see was checked; a proposal says nothing of other readers.
  const version = await room.version(house, project, made);
  return { layers: await room.label(house, project, made), version };
}

/** Names of what is there, by ascending value: 3D Slicer matches the two by position. */
function resultOf(
  { datastore }: MonaiContext,
  { layers, version }: Drawn,
  { latencyMs }: { latencyMs: number },
): object {
  const isThere = new Uint8Array(256);
  for (const voxels of layers) for (let at = 0; at < voxels.length; at++) isThere[voxels[at]!] = 1;
  const present = datastore.protocol.structures
    .filter(({ number }) => isThere[number] === 1)
    .toSorted((a, b) => a.number - b.number);
  const seconds = latencyMs / 1000;
  return {
    label_names: Object.fromEntries(present.map(({ name, number }) => [name, number])),
    latencies: { pre: 0, infer: seconds, invert: 0, post: 0, write: 0, total: seconds, transform: {} },
    centroids: {},
    ...(version === undefined ? {} : { version: version.id }),
  };
}

/** Values are the structures' numbers, voxels in the order of the series: OHIF looks at neither header nor names. */
function volumeOf(
  { layers }: Drawn,
  geometry: Geometry,
  { result_compress: isPacked, result_extension: extension }: z.output<typeof inferParams>,
): { readonly bytes: Buffer; readonly extension: string } {
  const volume = { geometry, voxels: flattened(layers) };
  switch (extension ?? '.nii.gz') {
    case '.nrrd':
    case '.seg.nrrd':
      return { bytes: Buffer.from(encodeNrrd(volume, { packed: isPacked ?? true })), extension: '.nrrd' };
    case '.nii':
      return { bytes: Buffer.from(encodeNifti(volume, { gzip: false })), extension: '.nii' };
    default:
      return { bytes: Buffer.from(encodeNifti(volume)), extension: '.nii.gz' };
  }
}

async function sendSegmentation(
  { datastore: { project }, room }: MonaiContext,
  turn: MonaiTurn,
  { drawn: { layers, version }, image }: { drawn: Drawn; image: DatastoreImage },
) {
  if (version === undefined) {
    throw new ReadingError(
      'reading.infer-unavailable',
      'What is drawn with clicks is no DICOM SEG until it is handed in.',
    );
  }
  const { geometry, series } = await room.volumes.open(image.seriesInstanceUid);
  const protocol = room.protocolOf(project, version.protocolVersion);
  const { bytes, name, type } = labelFile(version, { format: 'dicom-seg', geometry, layers, protocol, series });
  return attach(turn, name, type).send(Buffer.from(bytes));
}

/** Of a length that is said: the Python client reads the parts as they come from the wire, which must not be chunked. */
function sendForm(
  { reply }: MonaiTurn,
  { file, fileName, params }: { file: Buffer; fileName: string; params: object },
) {
  const boundary = randomBytes(16).toString('hex');
  const part = (lines: readonly string[], body: Uint8Array | string) => [
    Buffer.from(`--${boundary}\r\n${lines.join('\r\n')}\r\n\r\n`),
    Buffer.from(body as Uint8Array),
    Buffer.from('\r\n'),
  ];
  const whole = Buffer.concat([
    ...part(
      ['Content-Disposition: form-data; name="params"', 'Content-Type: application/json'],
      JSON.stringify(params),
    ),
    ...part(
      [
        `Content-Disposition: form-data; name="image"; filename="${fileName}"`,
        'Content-Type: application/octet-stream',
      ],
      file,
    ),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return reply.type(`multipart/form-data; boundary=${boundary}`).send(whole);
}

const batchQuery = runQuery.extend({ images: z.enum(['all', 'labeled', 'unlabeled']).default('all') });

function batchRoutes(add: AddRoute, context: MonaiContext): void {
  const { datastore, room, tasks } = context;
  add('GET /batch/infer', statusHandler(context, 'batch_infer'));
  add('DELETE /batch/infer', () => tasks.stop('batch_infer') ?? null);
  add('POST /batch/infer/:model', async (turn) => {
    const { images: which, run_sync: isWaitedFor } = queryOf(batchQuery, turn);
    await jsonOf(turn);
    const { asker } = turn;
    const { digest, name } = modelOf(context, turn.params['model']!);
    const cases = datastore
      .all(asker)
      .filter(({ labels }) => which === 'all' || labels.has(finalTag) === (which === 'labeled'))
      .map(({ image }) => image.id);
    const request = { model: name, images: which };
    const task = tasks.begin('batch_infer', request, (work) => proposeFor({ ...work, asker, cases, digest }));
    return isWaitedFor ? (await task.ended).result : task.answer;
  });

  async function proposeFor({
    asker,
    cases,
    digest,
    say,
    signal,
  }: TaskWork & { asker: MonaiTurn['asker']; cases: readonly string[]; digest: string }): Promise<object> {
    const { project } = datastore;
    const made = await room.models.proposals.ask(asker, project, { cases, digest, priority: 0, isNightly: false });
    signal.addEventListener('abort', () => {
      for (const id of made) room.models.cancel(asker, project, id).catch(() => {});
    });
    let done = 0;
    const states = await Promise.all(
      made.map(async (id) => {
        const { state } = await room.models.ended(project, id);
        say(`${++done} of ${made.length} images done`);
        return state;
      }),
    );
    const failed = states.filter((state) => state === 'failed').length;
    return { total: made.length, failed, label_tag: originalTag };
  }
}
