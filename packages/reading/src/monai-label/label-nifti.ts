/** A label version as a NIfTI file for a client, which is written into the audit log. */
import type { Asker } from '../asker.ts';
import { labelFile } from '../handover/label-export.ts';
import type { ReadingRoom } from '../reading-room.ts';
import type { Version } from '../store/version-store.ts';
import type { Datastore, DatastoreImage } from './datastore.ts';

/** @throws ReadingError `reading.version-unknown` */
export function labelNifti(
  { datastore: { project }, room }: { readonly datastore: Datastore; readonly room: ReadingRoom },
  asker: Asker,
  { image: { geometry }, version: { id } }: { readonly image: DatastoreImage; readonly version: Version },
): Promise<Uint8Array> {
  return room.giveOut(asker, project, {
    id,
    make: async (version) => {
      const layers = await room.label(asker, project, id);
      const protocol = room.protocolOf(project, version.protocolVersion);
      return labelFile(version, { format: 'nifti', geometry, layers, protocol, series: undefined }).bytes;
    },
  });
}
