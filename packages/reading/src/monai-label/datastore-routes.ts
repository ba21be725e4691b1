/** `/datastore`: images are cases, labels are versions by tags. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { readLabelFile } from '../handover/label-import.ts';
import { ReadingError } from '../reading-error.ts';
import { Role, TaskState } from '../workflow/task-state.ts';
import { type DatastoreImage, finalTag, originalTag, type TaggedLabel } from './datastore.ts';
import { takeImage } from './image-intake.ts';
import { recordImages } from './image-record.ts';
import { formatOfLabel, keepLabel } from './label-keeping.ts';
import { labelNifti } from './label-nifti.ts';
import { malformed } from './malformed-request.ts';
import {
  type AddRoute,
  attach,
  checked,
  formOf,
  type MonaiContext,
  type MonaiTurn,
  objectOf,
  queryOf,
} from './monai-context.ts';
import { niftiOf } from './volume-file.ts';

const name = z.string().min(1).max(1000);
const listQuery = z.object({ output: z.enum(['stats', 'train', 'all']).default('stats') });
const imageQuery = z.object({ image: name });
const labelQuery = z.object({ label: name, tag: z.string().max(200) });

export function datastoreRoutes(add: AddRoute, context: MonaiContext): void {
  add('GET /datastore/', (turn) => {
    const { output } = queryOf(listQuery, turn);
    if (output === 'stats') return statsOf(context, turn);
    return output === 'train' ? trainingListOf(context, turn) : allOf(context, turn);
  });
  imageRoutes(add, context);
  labelRoutes(add, context);
  infoRoutes(add, context);
}

export function statsOf({ datastore }: MonaiContext, { asker }: MonaiTurn): object {
  const images = datastore.all(asker);
  const tags: Record<string, number> = {};
  for (const { labels } of images) for (const tag of labels.keys()) tags[tag] = (tags[tag] ?? 0) + 1;
  return { total: images.length, completed: tags[finalTag] ?? 0, label_tags: tags };
}

function trainingListOf({ datastore }: MonaiContext, { asker }: MonaiTurn): readonly object[] {
  return datastore
    .all(asker)
    .filter(({ labels }) => labels.has(finalTag))
    .map(({ image: { id } }) => ({ image: imageName(id), label: `labels/${finalTag}/${id}.nii.gz` }));
}

async function allOf(context: MonaiContext, { asker }: MonaiTurn): Promise<object> {
  const { datastore } = context;
  const { title } = datastore.protocol;
  const objects: Record<string, object> = {};
  for (const { image, labels: tagged } of datastore.all(asker)) {
    const labels: Record<string, object> = {};
    for (const [tag, label] of tagged) {
      labels[tag] = { ext: '.nii.gz', info: await labelInfo(context, asker, { image, label, tag }) };
    }
    objects[image.id] = { image: { ext: '.nii.gz', info: imageInfo(image) }, labels };
  }
  return { name: datastore.project, description: title, images_dir: '.', labels_dir: 'labels', objects };
}

function imageInfo({ createdMs, id }: DatastoreImage): Record<string, unknown> {
  return { ts: Math.floor(createdMs / 1000), name: imageName(id), strategy: {} };
}

/** What `label_names` names is what the file has, in the order of its values: 3D Slicer matches the two by position. */
async function labelInfo(
  { datastore }: MonaiContext,
  asker: MonaiTurn['asker'],
  { image, label: { status, version }, tag }: { image: DatastoreImage; label: TaggedLabel; tag: string },
): Promise<object> {
  const { structures } = datastore.protocol;
  const there = tag === originalTag ? await datastore.drawnIn(asker, version) : structures.map(({ number }) => number);
  const present = structures.filter(({ number }) => there.includes(number)).sort((a, b) => a.number - b.number);
  return {
    ts: Math.floor(version.createdMs / 1000),
    name: `${image.id}.nii.gz`,
    client_id: version.person,
    label_info: structures.map(({ name: structure, number }) => ({ name: structure, idx: number })),
    params: { label_names: Object.fromEntries(present.map((one) => [one.name, one.number])) },
    segmentationMeta: {
      ...{ status, level: '', approvedBy: '', comment: '' },
      editTime: Math.floor(version.createdMs / 1000),
    },
    version: version.id,
  };
}

/** With its extension, by which clients know how to read it. */
export function imageName(caseId: string): string {
  return `${caseId}.nii.gz`;
}

function imageRoutes(add: AddRoute, context: MonaiContext): void {
  const { archive, audit, datastore, room } = context;
  const upload = async (turn: MonaiTurn) => {
    // Before anything is read of what is sent.
    if (context.settings.auth !== 'off') context.checkStoring(turn.request);
    const { image } = queryOf(z.object({ image: z.string().max(1000).optional() }), turn);
    await using form = await formOf(context, turn);
    const file = form.file('file');
    if (file === undefined) throw malformed('body.file', 'is missing');
    const { asker } = turn;
    const called = image === undefined || image === '' ? file.name : image;
    const { project } = datastore;
    await recordImages(audit, asker, { action: 'import.begun' });
    const caseId = await takeImage(archive, room, asker, { project, image: { name: called, file } });
    datastore.rename(asker, called, caseId);
    return { image: caseId };
  };
  const refuse = () => {
    throw new ReadingError('reading.erasure-elsewhere', 'Images are erased by the archive, for a patient as a whole.');
  };
  add('PUT /datastore/', upload);
  add('PUT /datastore/image', upload);
  add('DELETE /datastore/', refuse);
  add('DELETE /datastore/image', refuse);
  add('GET /datastore/image', async (turn) => {
    const { id, seriesInstanceUid } = datastore.image(turn.asker, queryOf(imageQuery, turn).image);
    const volume = await room.volumes.open(seriesInstanceUid);
    await recordImages(audit, turn.asker, { action: 'study.exported', seriesInstanceUid });
    return attach(turn, imageName(id)).send(niftiOf(volume));
  });
  add('HEAD /datastore/image', async (turn) => {
    const { check_sum: wanted, image } = queryOf(
      imageQuery.extend({ check_sum: z.string().max(300).optional() }),
      turn,
    );
    const { seriesInstanceUid } = datastore.image(turn.asker, image);
    const volume = await room.volumes.open(seriesInstanceUid);
    if (wanted !== undefined) {
      const [, algorithm = 'SHA256', digest = ''] = /^(?:([A-Za-z0-9]+):)?([0-9a-f]+)$/i.exec(wanted) ?? [];
      if (!/^SHA(?:256|512)$/i.test(algorithm)) throw malformed('query.check_sum', 'must be SHA256 or SHA512');
      const hash = createHash(algorithm.toLowerCase());
      await pipeline(niftiOf(volume), hash);
      if (hash.digest('hex') !== digest.toLowerCase()) {
        throw new ReadingError('reading.not-found', 'The image is not the one of this checksum.');
      }
    }
    return turn.reply.type('application/octet-stream').send();
  });
}

function labelRoutes(add: AddRoute, context: MonaiContext): void {
  const { datastore, room } = context;
  add('PUT /datastore/label', (turn) => putLabel(context, turn));
  add('HEAD /datastore/label', (turn) => {
    const { image, tag } = queryOf(z.object({ image: name, tag: z.string().max(200) }), turn);
    datastore.label(turn.asker, datastore.image(turn.asker, image), tag);
    return turn.reply.type('application/octet-stream').send();
  });
  add('GET /datastore/label', async (turn) => {
    const { label, tag } = queryOf(labelQuery, turn);
    const image = datastore.image(turn.asker, label);
    const { version } = datastore.label(turn.asker, image, tag);
    const bytes = await labelNifti(context, turn.asker, { image, version });
    return attach(turn, imageName(image.id)).send(Buffer.from(bytes));
  });
  add('DELETE /datastore/label', async (turn) => {
    const { id, tag } = queryOf(z.object({ id: name, tag: z.string().max(200) }), turn);
    const image = datastore.image(turn.asker, id);
    const { version } = datastore.label(turn.asker, image, tag);
    const own = image.tasks.find(
      ({ headVersion, reader }) => headVersion === version.id && reader === turn.asker.person,
    );
    if (own?.state !== TaskState.submitted) {
      const message = 'Versions of labels stay. What you handed in and nobody reviews yet can be taken back.';
      throw new ReadingError('reading.version-kept', message);
    }
    await room.readings.withdraw(turn.asker, { project: datastore.project, taskId: own.id });
    return {};
  });
}

const labelParams = z.looseObject({
  label_info: z
    .array(z.looseObject({ name: z.string().max(200), idx: z.int().min(0).max(255) }))
    .max(255)
    .optional(),
  model: z.string().max(200).nullish(),
  /** Ours: what the label was drawn on, and answers to the protocol's form. */
  version: z.string().max(64).optional(),
  form: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])).default({}),
});

async function putLabel(context: MonaiContext, turn: MonaiTurn): Promise<object> {
  const { datastore, room } = context;
  const { asker } = turn;
  const query = queryOf(z.object({ image: name, tag: z.string().max(200).default('') }), turn);
  await using form = await formOf(context, turn);
  const params = checked(labelParams, objectOf(form.fields.get('params'), 'body.params'), 'body.params');
  const file = form.file('label');
  if (file === undefined) throw malformed('body.label', 'is missing');
  const image = datastore.image(asker, query.image);
  const bytes = new Uint8Array(await readFile(file.path));
  const format = formatOfLabel(bytes, file.name);
  const names = params.label_info && new Map(params.label_info.map(({ idx, name: structure }) => [idx, structure]));
  const { project } = datastore;
  if (query.tag === originalTag) {
    const { geometry, id: caseId } = image;
    const options = { format, geometry, protocol: datastore.protocol, ...(names === undefined ? {} : { names }) };
    const layers = await readLabelFile(bytes, options);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const model = { name: params.model ?? 'MONAI Label', digest };
    return { image: caseId, label: caseId, version: await room.propose(asker, { project, caseId, layers, model }) };
  }
  if (!/^(?:|final|version_\d{1,6})$/.test(query.tag) && query.tag !== `reader_${asker.person}`) {
    throw new ReadingError('reading.tag-unknown', 'Labels are sent as final, version_N, or original for a model’s.');
  }
  const label = { bytes, format, names, parent: params.version, form: params.form };
  return { image: image.id, label: image.id, version: await keepLabel(room, asker, { project, image, label }) };
}

function infoRoutes(add: AddRoute, context: MonaiContext): void {
  const { datastore } = context;
  add('GET /datastore/image/info', (turn) => imageInfo(datastore.image(turn.asker, queryOf(imageQuery, turn).image)));
  add('PUT /datastore/image/info', () => {
    throw new ReadingError(
      'reading.info-kept',
      'What is known of an image comes from the archive, and is changed there.',
    );
  });
  add('GET /datastore/label/info', (turn) => {
    const { label: id, tag } = queryOf(labelQuery, turn);
    const image = datastore.image(turn.asker, id);
    return labelInfo(context, turn.asker, { image, label: datastore.label(turn.asker, image, tag), tag });
  });
  const update = (field: string) => async (turn: MonaiTurn) => {
    const { label: id, tag } = queryOf(labelQuery, turn);
    await using form = await formOf(context, turn);
    const info = checked(labelInfoSchema, objectOf(form.fields.get(field), `body.${field}`), `body.${field}`);
    const image = datastore.image(turn.asker, id);
    const label = datastore.label(turn.asker, image, tag);
    if (info.segmentationMeta !== undefined) await review(context, turn, { image, label, meta: info.segmentationMeta });
    return null;
  };
  add('PUT /datastore/label/info', update('info'));
  add('PUT /datastore/updatelabelinfo', update('params'));
}

const labelInfoSchema = z.looseObject({
  segmentationMeta: z
    .looseObject({ status: z.string().max(40), comment: z.string().max(10_000).default('') })
    .optional(),
});

/** What the Reviewer module of 3D Slicer says of a label is a review, if it is a verdict. */
async function review(
  { datastore: { project }, room }: MonaiContext,
  { asker }: MonaiTurn,
  { image, label, meta }: { image: DatastoreImage; label: TaggedLabel; meta: { status: string; comment: string } },
): Promise<void> {
  const decision = { approved: 'approve', flagged: 'changes' } as const;
  const verdict = decision[meta.status as keyof typeof decision];
  if (verdict === undefined || meta.status === label.status) return;
  if (!asker.roles.includes(Role.reviewer)) {
    throw new ReadingError('reading.role-wanted', 'Only a reviewer may do this.');
  }
  const task = image.tasks.find(({ headVersion }) => headVersion === label.version.id);
  if (task === undefined) {
    throw new ReadingError(
      'reading.version-stale',
      'The version that was looked at is not one that was handed in last.',
    );
  }
  const taskName = { project, taskId: task.id };
  if (task.state === TaskState.submitted) await room.reviews.take(asker, taskName);
  const comment = meta.comment === '' && verdict === 'changes' ? 'Flagged.' : meta.comment;
  await room.reviews.decide(asker, { ...taskName, decision: verdict, version: label.version.id, comment });
}
