/** `/activelearning`: the next case to read, which is opened for who asks, so that nobody else draws it meanwhile. */

import { ReadingError } from '../reading-error.ts';
import { imageName } from './datastore-routes.ts';
import type { MonaiContext, MonaiTurn } from './monai-context.ts';
import { jsonOf } from './monai-context.ts';

/** Which one it is, the project's protocol decides, the same in all of the reading room. */
export const strategies = {
  next: { description: 'As the project orders its cases; what you have begun comes first' },
} as const;

export async function nextSample(context: MonaiContext, turn: MonaiTurn): Promise<object> {
  const { archive, datastore, gate, room } = context;
  const { asker, params, request } = turn;
  // Others are asked for by clients that remember another server's.
  if (!/^(?:next|random|first|last)$/.test(params['strategy'] ?? '')) {
    throw new ReadingError('reading.not-found', 'There is no such strategy.');
  }
  await jsonOf(turn);
  const lease = await room.readings.openNext(asker, datastore.project);
  if (lease === undefined) return {};
  const { caseId, createdMs, seriesInstanceUid } = lease.task;
  gate.grantImage(request, caseId);
  const [series] = archive.catalogue.find({
    level: 'series',
    matches: [{ kind: 'equal', attribute: 'SeriesInstanceUID', value: seriesInstanceUid }],
    limit: 1,
  }).matches;
  const text = (value: readonly (string | number)[] | undefined) => String(value?.[0] ?? '');
  return {
    ...{ id: caseId, path: imageName(caseId), name: imageName(caseId), ts: Math.floor(createdMs / 1000) },
    ...{ SeriesInstanceUID: seriesInstanceUid, StudyInstanceUID: text(series?.StudyInstanceUID) },
    ...{ Modality: text(series?.Modality), StudyDate: text(series?.StudyDate) },
    strategy: {},
  };
}
