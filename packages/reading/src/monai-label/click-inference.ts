/**
 * Clicks of 3D Slicer and OHIF as prompts: they send all clicks each time and want the whole label back. The task is opened for
 * who clicks, and what the network would change is put onto what the task holds; it becomes a version when it is handed in.
 */
import type { Triple } from '@consilium/imaging';
import { z } from 'zod';
import { layersOf, type Protocol } from '../contract/protocol-schema.ts';
import { applyDelta } from '../label/label-delta.ts';
import { replay } from '../label/stroke-history.ts';
import type { ModelEntry } from '../models/model-shelf.ts';
import type { PromptClick } from '../models/model-tasks.ts';
import { ReadingError } from '../reading-error.ts';
import { zeroLayers } from '../room/zero-layers.ts';
import type { DatastoreImage } from './datastore.ts';
import { malformed } from './malformed-request.ts';
import type { MonaiContext, MonaiTurn } from './monai-context.ts';

export interface ClicksOfStructure {
  readonly structure: number;
  readonly clicks: readonly PromptClick[];
}

/** `[i, j, k]` of the image, which may be an empty list where nothing was clicked. */
const points = z.array(z.tuple([z.number(), z.number(), z.number()]).rest(z.number())).max(10_000);

/**
 * DeepEdit sends one list a structure, by its name, and `background`; DeepGrow `foreground` and `background` for `label`.
 * @throws ReadingError `reading.request-malformed`
 */
export function clicksOf(params: Record<string, unknown>, { structures }: Protocol): readonly ClicksOfStructure[] {
  const read = (name: string): readonly Triple[] => {
    const value = params[name];
    if (value === undefined || value === null) return [];
    const { data } = points.safeParse(value);
    if (data === undefined) throw malformed(`body.params.${name}`, 'must be a list of [i, j, k]');
    return data.map(([i, j, k]): Triple => [Math.round(k), Math.round(j), Math.round(i)]);
  };
  const beside = read('background').map((voxel) => ({ voxel, isForeground: false }));
  const called = String(params['label'] ?? '').toLowerCase();
  const chosen = structures.find(({ name }) => name.toLowerCase() === called) ?? structures[0]!;
  return structures.flatMap((one) => {
    const on = [...read(one.name), ...(one === chosen ? read('foreground') : [])];
    if (on.length === 0) return [];
    return [{ structure: one.number, clicks: [...beside, ...on.map((voxel) => ({ voxel, isForeground: true }))] }];
  });
}

/** @returns voxels by layer. @throws ReadingError `reading.prompt-outside` and as opening a task or a session does */
export async function drawnByClicks(
  { datastore, room }: MonaiContext,
  { asker }: MonaiTurn,
  { clicks, image, model }: { clicks: readonly ClicksOfStructure[]; image: DatastoreImage; model: ModelEntry },
): Promise<readonly Uint8Array[]> {
  if (clicks.length === 0) {
    throw new ReadingError('reading.prompt-outside', 'A prompt needs a click, and all of it within the image.');
  }
  const { project } = datastore;
  const mine =
    image.tasks.find(({ reader }) => reader === asker.person) ?? image.tasks.find(({ reader }) => reader === undefined);
  if (mine === undefined) {
    throw new ReadingError('reading.task-unknown', 'The case has no task for you: ask who leads the project for one.');
  }
  const name = { project, taskId: mine.id };
  const { leaseId, task } = await room.readings.open(asker, name);
  const { baseVersion, strokes } = room.readings.draft(asker, name);
  const base = baseVersion === undefined ? undefined : await room.label(asker, project, baseVersion);
  const count = layersOf(room.protocolOf(project, task.protocolVersion));
  const layers = (base ?? zeroLayers(task.geometry, count)).map((voxels) => voxels.slice());
  replay(layers, task.geometry.size, strokes);
  const session = await room.models.sessions.open(asker, { ...name, leaseId, digest: model.digest });
  try {
    for (const { clicks: some, structure } of clicks) {
      const prompt = { structure, clicks: some, box: undefined };
      const { delta } = await room.models.sessions.prompt(asker, { ...name, leaseId, session: session.id, prompt });
      if (delta !== undefined) applyDelta(layers[delta.layer]!, task.geometry.size, delta);
    }
  } finally {
    await room.models.sessions.close(asker, { ...name, session: session.id }).catch(() => {});
  }
  return layers;
}
