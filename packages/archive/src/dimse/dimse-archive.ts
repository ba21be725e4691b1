/** A PACS as a remote archive: listed by C-FIND, fetched by C-GET or by C-MOVE to our own storage server. */
import { ArchiveError } from '../archive-error.ts';
import type { DimseClient, Identifier } from './dimse-client.ts';
import type { PullTarget, RemoteArchive, RemoteInstance } from './pull.ts';
import { watchedDoor } from './watched-door.ts';

export interface DimseArchiveOptions {
  readonly client: DimseClient;
  /** `move` needs a storage server of ours that the PACS knows as `destination`. */
  readonly retrieve: { readonly by: 'get' } | { readonly by: 'move'; readonly destination: string };
}

/** UIDs in one request: the value of a UI is shorter than 64 KiB. */
const uidsMax = 500;

export class DimseArchive implements RemoteArchive {
  readonly #options: DimseArchiveOptions;

  constructor(options: DimseArchiveOptions) {
    this.#options = options;
  }

  async list({ seriesInstanceUid, studyInstanceUid }: PullTarget, signal: AbortSignal): Promise<RemoteInstance[]> {
    const { client } = this.#options;
    const series: string[] = [];
    const seriesKeys = { StudyInstanceUID: studyInstanceUid, SeriesInstanceUID: seriesInstanceUid ?? '' };
    for await (const match of client.find({ level: 'SERIES', keys: seriesKeys }, signal)) {
      series.push(match.requiredText('SeriesInstanceUID'));
    }
    const instances: RemoteInstance[] = [];
    for (const uid of new Set(series)) {
      const keys = { SOPClassUID: '', SOPInstanceUID: '', StudyInstanceUID: studyInstanceUid, SeriesInstanceUID: uid };
      for await (const match of client.find({ level: 'IMAGE', keys }, signal)) {
        instances.push({
          studyInstanceUid,
          seriesInstanceUid: uid,
          sopInstanceUid: match.requiredText('SOPInstanceUID'),
          sopClassUid: match.text('SOPClassUID'),
        });
      }
    }
    // A list that was cancelled is not a list of what there is.
    if (signal.aborted) throw new ArchiveError('archive.pull-cancelled', 'The retrieval was cancelled.');
    return instances;
  }

  async fetch(
    instances: readonly RemoteInstance[],
    { door, onProgress, signal, taken }: Parameters<RemoteArchive['fetch']>[1],
  ): Promise<void> {
    const { client, retrieve } = this.#options;
    const watched = watchedDoor(door, { onProgress, taken });
    for (const batch of batches(instances)) {
      if (signal.aborted) return;
      const { seriesInstanceUid, studyInstanceUid } = batch[0]!;
      const identifier: Identifier = {
        level: 'IMAGE',
        keys: {
          SOPInstanceUID: batch.map(({ sopInstanceUid }) => sopInstanceUid),
          StudyInstanceUID: studyInstanceUid,
          SeriesInstanceUID: seriesInstanceUid,
        },
      };
      if (retrieve.by === 'move') {
        await client.move({ ...identifier, destination: retrieve.destination }, { signal, onProgress });
      } else {
        const sopClasses = batch.flatMap(({ sopClassUid }) => sopClassUid ?? []);
        await client.get({ ...identifier, door: watched, sopClasses }, { signal });
      }
    }
  }
}

/** By series, and so many at once as one request holds. */
function batches(instances: readonly RemoteInstance[]): RemoteInstance[][] {
  const bySeries = Map.groupBy(instances, ({ seriesInstanceUid }) => seriesInstanceUid);
  return [...bySeries.values()].flatMap((series) =>
    Array.from({ length: Math.ceil(series.length / uidsMax) }, (_, index) =>
      series.slice(index * uidsMax, (index + 1) * uidsMax),
    ),
  );
}
