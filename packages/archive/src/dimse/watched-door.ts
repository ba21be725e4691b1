/** A door that notes what went through it, by the UIDs that the instances came with. */
import { ImagingError, parsePart10 } from '@consilium/imaging';
import type { Admission, Door, Origin } from '../admission.ts';

/** @param options.taken gets the UID of each instance the door answered for: stored, or in quarantine. */
export function watchedDoor(door: Door, options: { onProgress: () => void; taken: Set<string> }): Door {
  return {
    async admit(bytes: Uint8Array, origin: Origin): Promise<Admission> {
      const admission = await door.admit(bytes, origin);
      const uid = sopInstanceUidOf(bytes);
      if (uid !== undefined) options.taken.add(uid);
      options.onProgress();
      return admission;
    },
  };
}

function sopInstanceUidOf(bytes: Uint8Array): string | undefined {
  try {
    const { data, meta } = parsePart10(bytes, { beforePixels: true });
    return meta?.text('MediaStorageSOPInstanceUID') ?? data.text('SOPInstanceUID');
  } catch (error) {
    if (error instanceof ImagingError) return undefined;
    throw error;
  }
}
