/** Packs volumes with the files beside them into one zip, without compressing what is compressed already. */
import { Zip, ZipPassThrough } from 'fflate';
import type { ChosenFile } from './upload-plan.ts';

/** The zip format without its extension ends here. */
export const zipBytesMax = 4_000_000_000;

export async function volumeZip(files: readonly ChosenFile[], signal: AbortSignal): Promise<Blob> {
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  const parts: Blob[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk as Uint8Array<ArrayBuffer>);
  });
  for (const { file, path } of files) {
    signal.throwIfAborted();
    const entry = new ZipPassThrough(path);
    zip.add(entry);
    const reader = file.stream().getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) entry.push(read.value.slice());
    entry.push(new Uint8Array(0), true);
    // A browser keeps large blobs on the disk, arrays in memory.
    parts.push(new Blob(chunks));
    chunks = [];
  }
  zip.end();
  return new Blob([...parts, ...chunks], { type: 'application/zip' });
}
