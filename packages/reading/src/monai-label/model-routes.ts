/** `/model`: bundles on the shelf, as one zip each. */
import { createHash } from 'node:crypto';
import { zipSync } from 'fflate';
import type { ModelEntry } from '../models/model-shelf.ts';
import { ReadingError } from '../reading-error.ts';
import { malformed } from './malformed-request.ts';
import { type AddRoute, attach, formOf, type MonaiContext } from './monai-context.ts';

export function modelRoutes(add: AddRoute, context: MonaiContext): void {
  const { archive, datastore, room } = context;
  add('GET /model/info/:model', async ({ params }) => {
    const model = modelOf(context, params['model']!);
    const checksum = createHash('sha256')
      .update(await zipOf(context, model))
      .digest('hex');
    return { checksum: `SHA256:${checksum}`, modified_time: Math.floor(model.putMs / 1000), digest: model.digest };
  });
  add('GET /model/:model', async (turn) => {
    const model = modelOf(context, turn.params['model']!);
    return attach(turn, `${model.digest.slice(0, 12)}.zip`, 'application/zip').send(await zipOf(context, model));
  });
  add('PUT /model/:model', async (turn) => {
    await using form = await formOf(context, turn);
    const file = form.file('file');
    if (file === undefined) throw malformed('body.file', 'is missing');
    const files = new Map<string, Uint8Array>();
    await using tree = await archive.intake.readZip(file.path);
    for (const one of tree.files) files.set(one.path.slice(one.path.lastIndexOf('/') + 1), await tree.read(one));
    const { asker, params } = turn;
    const name = params['model']!;
    const known = findModel(context, name);
    const kind = known?.kind ?? 'automatic';
    const model = await room.models.shelf.put(asker, datastore.project, { name, kind, files });
    const checksum = createHash('sha256')
      .update(await zipOf(context, model))
      .digest('hex');
    return { checksum: `SHA256:${checksum}`, modified_time: Math.floor(model.putMs / 1000), digest: model.digest };
  });
  add('DELETE /model/:model', async ({ asker, params }) => {
    await room.models.shelf.retire(asker, datastore.project, modelOf(context, params['model']!).digest);
    return {};
  });
}

/** Of `/info`, by name: of those called alike the champion, or else the newest. Retired ones draw no more. */
export function modelsOf({ datastore, room }: MonaiContext): Record<string, object> {
  const { structures: drawn } = datastore.protocol;
  const models: Record<string, object> = {};
  for (const { digest, kind, name, state, structures } of room.models.shelf.list(datastore.project)) {
    if (state === 'retired' || Object.hasOwn(models, name)) continue;
    const numbers = Object.values(structures);
    const labels = drawn.filter(({ number }) => numbers.includes(number)).map((one) => [one.name, one.number]);
    models[name] = {
      type: kind === 'automatic' ? 'segmentation' : 'deepedit',
      labels: Object.fromEntries(labels),
      dimension: 3,
      description: `${state} ${digest.slice(0, 12)}`,
      config: { save_label: false, device: ['cpu'] },
    };
  }
  return models;
}

/** @throws ReadingError `reading.model-unknown` */
export function modelOf(context: MonaiContext, name: string): ModelEntry {
  const model = findModel(context, name);
  if (model === undefined) throw new ReadingError('reading.model-unknown', 'The project has no such model.');
  return model;
}

function findModel({ datastore, room }: MonaiContext, name: string): ModelEntry | undefined {
  return room.models.shelf.list(datastore.project).find((one) => one.name === name && one.state !== 'retired');
}

/** The same model gives the same bytes. */
async function zipOf({ room }: MonaiContext, model: ModelEntry): Promise<Buffer> {
  const files = await room.models.shelf.files(model);
  const entries = Object.fromEntries([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(zipSync(entries, { level: 0, mtime: '1980-01-01T12:00:00' }));
}
