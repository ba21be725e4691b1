/** `/datastore/dataset`: images with their final labels as one zip, made while it is sent. */
import { Readable } from 'node:stream';
import { Zip, ZipPassThrough } from 'fflate';
import type { Asker } from '../asker.ts';
import { labelFile } from '../handover/label-export.ts';
import type { ReadingRoom } from '../reading-room.ts';
import { type Datastore, type DatastoreImage, finalTag, type TaggedLabel } from './datastore.ts';
import { niftiOf } from './volume-file.ts';

interface Pair {
  readonly image: DatastoreImage;
  readonly label: TaggedLabel;
}

/** `image/ID.nii.gz`, `label/ID.nii.gz` and `metadata.json`. @param limit of pairs. */
export function datasetZip(
  { datastore, room }: { datastore: Datastore; room: ReadingRoom },
  asker: Asker,
  limit: number,
): Readable {
  const pairs = datastore
    .all(asker)
    .flatMap(({ image, labels }): Pair[] => {
      const label = labels.get(finalTag);
      return label === undefined ? [] : [{ image, label }];
    })
    .slice(0, limit);
  return Readable.from(zipped(files({ datastore, room }, asker, pairs)), { objectMode: false });
}

interface FileOfZip {
  readonly path: string;
  readonly pieces: AsyncIterable<Uint8Array> | readonly Uint8Array[];
}

async function* files(
  { datastore: { project }, room }: { datastore: Datastore; room: ReadingRoom },
  asker: Asker,
  pairs: readonly Pair[],
): AsyncGenerator<FileOfZip> {
  const metadata: object[] = [];
  for (const { image, label } of pairs) {
    const { geometry, id, seriesInstanceUid } = image;
    const { version } = label;
    yield { path: `image/${id}.nii.gz`, pieces: niftiOf(await room.volumes.open(seriesInstanceUid)) };
    const layers = await room.label(asker, project, version.id);
    const protocol = room.protocolOf(project, version.protocolVersion);
    const { bytes } = labelFile(version, { format: 'nifti', geometry, layers, protocol, series: undefined });
    yield { path: `label/${id}.nii.gz`, pieces: [bytes] };
    const structures = protocol.structures.map(({ name, number }) => ({ name, idx: number }));
    metadata.push({
      image: `image/${id}.nii.gz`,
      label: `label/${id}.nii.gz`,
      version: version.id,
      label_info: structures,
    });
  }
  yield { path: 'metadata.json', pieces: [Buffer.from(JSON.stringify({ dataset: metadata }))] };
}

/** Nothing is packed: what is large is packed already. */
async function* zipped(entries: AsyncIterable<FileOfZip>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const taken = () => {
    const now = ready;
    ready = [];
    return now;
  };
  const zip = new Zip((_error, piece) => ready.push(piece));
  for await (const { path, pieces } of entries) {
    const file = new ZipPassThrough(path);
    // The same files give the same bytes.
    file.mtime = '1980-01-01T12:00:00';
    zip.add(file);
    for await (const piece of pieces) {
      file.push(piece);
      yield* taken();
    }
    file.push(new Uint8Array(), true);
    yield* taken();
  }
  zip.end();
  yield* taken();
}
