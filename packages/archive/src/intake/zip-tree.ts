/**
 * The files in a zip, read where they lie: nothing is unpacked to the disk, so no name in it can reach outside. What it
 * could take up unpacked is bounded before anything is read, by its table, and again while it is read.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { ArchiveError } from '../archive-error.ts';
import type { IntakeLimits } from '../archive-settings.ts';
import type { FileTree, TreeFile } from './file-tree.ts';

/**
 * @throws ArchiveError `archive.zip-malformed`, `archive.zip-encrypted`, `archive.zip-path`, `archive.zip-too-large`
 */
export async function zipTree(path: string, limits: IntakeLimits): Promise<FileTree> {
  const zip = await opened(path);
  const entries = new Map<string, Entry>();
  try {
    await collect(zip, entries, { limits, zipBytes: await sizeOf(path) });
  } catch (error) {
    zip.close();
    throw zipError(error);
  }
  const files = [...entries].map(([name, entry]): TreeFile => {
    return { path: name, sizeBytes: entry.uncompressedSize, version: `${entry.uncompressedSize} ${entry.crc32}` };
  });
  return {
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    read: (file, options) => unpacked(zip, entries.get(file.path)!, options?.bytesMax),
    [Symbol.asyncDispose]: async () => zip.close(),
  };
}

/**
 * Reads by a handle of ours. yauzl's own reader throws where nobody can catch it when a stream is let go of that still waits
 * for its turn, as happens when of many files side by side only the beginnings are read.
 */
class HandleReader extends RandomAccessReader {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    super();
    this.#handle = handle;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(piecesOf(this.#handle, start, end), { objectMode: false });
  }

  override close(callback: (error: Error | null) => void): void {
    this.#handle.close().then(() => callback(null), callback);
  }
}

const pieceBytes = 65_536;

async function* piecesOf(handle: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - at));
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

async function opened(path: string): Promise<ZipFile> {
  const handle = await open(path, 'r');
  try {
    return await fromRandomAccessReaderPromise(new HandleReader(handle), (await handle.stat()).size, {
      lazyEntries: true,
      autoClose: false,
      strictFileNames: true,
      validateEntrySizes: true,
    });
  } catch (error) {
    await handle.close();
    throw zipError(error);
  }
}

async function sizeOf(path: string): Promise<number> {
  await using file = await open(path, 'r');
  return (await file.stat()).size;
}

async function collect(
  zip: ZipFile,
  entries: Map<string, Entry>,
  { limits, zipBytes }: { limits: IntakeLimits; zipBytes: number },
): Promise<void> {
  if (zip.entryCount > limits.zipEntriesMax) throw tooLarge('It has more entries than are allowed.');
  let bytes = 0;
  for await (const entry of zip.eachEntry() as AsyncIterable<Entry>) {
    if (entry.fileName.endsWith('/')) continue;
    if (entry.isEncrypted()) throw new ArchiveError('archive.zip-encrypted', 'The zip is encrypted.');
    bytes += entry.uncompressedSize;
    if (bytes > limits.unpackedBytesMax) throw tooLarge('Unpacked, it is larger than is allowed.');
    entries.set(entry.fileName, entry);
  }
  if (bytes > limits.zipRatioMax * zipBytes) throw tooLarge('It is packed more tightly than images can be.');
}

/** Never more than the entry states, however much it unpacks to. */
async function unpacked(zip: ZipFile, entry: Entry, bytesMax = entry.uncompressedSize): Promise<Uint8Array> {
  const wanted = Math.min(bytesMax, entry.uncompressedSize);
  const bytes = new Uint8Array(wanted);
  let at = 0;
  try {
    const stream: Readable = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      bytes.set(chunk.subarray(0, wanted - at), at);
      at = Math.min(wanted, at + chunk.length);
      if (bytesMax < entry.uncompressedSize && at === wanted) break;
    }
  } catch (error) {
    throw zipError(error);
  }
  return bytes;
}

function tooLarge(message: string): ArchiveError {
  return new ArchiveError('archive.zip-too-large', message);
}

/** yauzl throws plain errors; of names that lead outside it says what they are. */
function zipError(error: unknown): unknown {
  if (error instanceof ArchiveError) return error;
  const { message } = error as Error;
  if (/invalid relative path|absolute path|invalid characters in fileName/.test(message)) {
    return new ArchiveError('archive.zip-path', 'A name in the zip leads outside of it.', { detail: message });
  }
  return new ArchiveError('archive.zip-malformed', 'The file is no zip, or it is damaged.', { detail: message });
}
