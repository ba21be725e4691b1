/** An instance in a file: read piece by piece, and opened only while it is read, so that a series needs no memory of its own. */
import { open, readFile, stat } from 'node:fs/promises';
import type { InstanceSource } from '@consilium/imaging';

/** Rejects as `node:fs` does. */
export async function fileSource(path: string): Promise<InstanceSource> {
  const { size } = await stat(path);
  const readInto = async (out: Uint8Array, start: number): Promise<number> => {
    await using file = await open(path, 'r');
    return (await file.read(out, 0, out.length, start)).bytesRead;
  };
  return {
    byteLength: size,
    read: async (range) => {
      if (range === undefined) return readFile(path);
      const bytes = new Uint8Array(Math.min(range.end, size) - range.start);
      return bytes.subarray(0, await readInto(bytes, range.start));
    },
    readInto,
  };
}
