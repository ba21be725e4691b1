/** A model as one file: the zip of a bundle's files, at the top or in one directory. */
import { basename } from 'node:path';
import { bundleFiles } from '@consilium/training';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { ReadingError } from '../reading-error.ts';

/** Of all its files, unpacked. */
const bytesMax = 2 ** 31;
const entriesMax = 100;

/** @throws ReadingError `reading.model-malformed` if it is no zip, holds more than a model has, or lacks a file. */
export async function readModelFile(file: Uint8Array): Promise<Map<string, Uint8Array>> {
  const zip = await fromBufferPromise(Buffer.from(file.buffer, file.byteOffset, file.byteLength), {
    lazyEntries: true,
    validateEntrySizes: true,
  }).catch((cause: unknown) => {
    throw malformed('it is no zip file', cause);
  });
  const known = new Set<string>(Object.values(bundleFiles));
  const entries = new Map<string, Entry>();
  let bytes = 0;
  if (zip.entryCount > entriesMax) throw malformed('it holds more files than a model has');
  try {
    for await (const entry of zip.eachEntry()) {
      const name = basename(entry.fileName);
      if (entry.fileName.endsWith('/') || !known.has(name)) continue;
      bytes += entry.uncompressedSize;
      if (entries.has(name) || bytes > bytesMax) throw malformed('it holds more than a model has');
      entries.set(name, entry);
    }
    const files = new Map<string, Uint8Array>();
    for (const [name, entry] of entries) files.set(name, await unpacked(zip, entry));
    return files;
  } catch (cause) {
    throw cause instanceof ReadingError ? cause : malformed('it is damaged', cause);
  }
}

/** yauzl sees to it that it is as long as the entry says, and no longer. */
async function unpacked(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

function malformed(reason: string, cause?: unknown): ReadingError {
  const message = `The file is no model as training makes them: ${reason}.`;
  return new ReadingError('reading.model-malformed', message, cause === undefined ? {} : { cause });
}
