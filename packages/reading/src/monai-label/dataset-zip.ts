/** `/datastore/dataset`: images with their final labels as one zip, made while it is sent. */
import { Readable } from 'node:stream';
import type { AuditLog } from '@consilium/audit';
import { Zip, ZipPassThrough } from 'fflate';
import type { Asker } from '../asker.ts';
import type { ReadingRoom } from '../reading-room.ts';
import { type Datastore, type DatastoreImage, finalTag, type TaggedLabel } from './datastore.ts';
import { recordImages } from './image-record.ts';
import { labelNifti } from './label-nifti.ts';
import { niftiOf } from './volume-file.ts';

interface Pair {
  readonly image: DatastoreImage;
  readonly label: TaggedLabel;
}

interface DatasetSources {
  readonly datastore: Datastore;
  readonly room: ReadingRoom;
  readonly audit: AuditLog;
}

/** `image/ID.nii.gz`, `label/ID.nii.gz` and `metadata.json`. @param limit of pairs. */
export function datasetZip(sources: DatasetSources, asker: Asker, limit: number): Readable {
  const pairs = sources.datastore
    .all(asker)
    .flatMap(({ image, labels }): Pair[] => {
      const label = labels.get(finalTag);
      return label === undefined ? [] : [{ image, label }];
    })
    .slice(0, limit);
  return Readable.from(zipped(files(sources, asker, pairs)), { objectMode: false });
}

interface FileOfZip {
  readonly path: string;
  readonly pieces: AsyncIterable<Uint8Array> | readonly Uint8Array[];
}

async function* files(sources: DatasetSources, asker: Asker, pairs: readonly Pair[]): AsyncGenerator<FileOfZip> {
  const { audit, datastore, room } = sources;
  const metadata: object[] = [];
  for (const { image, label } of pairs) {
    const { id, seriesInstanceUid } = image;
    const { version } = label;
    await recordImages(audit, asker, { action: 'study.exported', seriesInstanceUid });
    yield { path: `image/${id}.nii.gz`, pieces: niftiOf(await room.volumes.open(seriesInstanceUid)) };
    yield { path: `label/${id}.nii.gz`, pieces: [await labelNifti(sources, asker, { image, version })] };
    const protocol = room.protocolOf(datastore.project, version.protocolVersion);
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
