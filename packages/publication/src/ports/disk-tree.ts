/** Files as a publication reads and writes them: a directory, a zip, or one file. */
import { lstat, mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type InstanceSource, inMemory } from '@consilium/imaging';
import { unzipSync } from 'fflate';
import type { FileSink, FileTree } from '../file-tree.ts';
import { PublicationError } from '../publication-error.ts';

/** Reads a file piece by piece. */
type FileSource = (path: string) => Promise<InstanceSource>;

/** Unpacked, all files together. */
const zipBytesMax = 16 * 2 ** 30;
/** DEFLATE makes nothing smaller than this share of it (1032 to 1). */
const ratioMax = 1100;

/**
 * Hidden files are left out.
 * @param options.levels of directories that are looked into; default: all
 * @throws PublicationError `publication.path-unreadable`, `publication.zip-unusable`
 */
export async function openTree(path: string, fileSource: FileSource, { levels = 100 } = {}): Promise<FileTree> {
  try {
    const facts = await lstat(path);
    if (facts.isDirectory()) return await directoryTree(path, fileSource, levels);
    if (await isZip(path)) return zipTree(await (await fileSource(path)).read());
    return new Map([[basename(path), await fileSource(path)]]);
  } catch (error) {
    if (error instanceof PublicationError) throw error;
    const detail = `${path}: ${(error as Error).message}`;
    throw new PublicationError('publication.path-unreadable', 'What was named cannot be read.', { detail });
  }
}

async function directoryTree(root: string, fileSource: FileSource, levels: number): Promise<FileTree> {
  const paths: string[] = [];
  const look = async (folder: string, left: number): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isFile()) paths.push(`${folder}${entry.name}`);
      else if (entry.isDirectory() && left > 1) await look(`${folder}${entry.name}/`, left - 1);
    }
  };
  await look('', levels);
  const tree = new Map<string, InstanceSource>();
  for (const path of paths.sort()) tree.set(path, await fileSource(join(root, path)));
  return tree;
}

async function isZip(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return bytesRead === 4 && buffer.toString('latin1') === 'PK\u0003\u0004';
}

function zipTree(bytes: Uint8Array): FileTree {
  let total = 0;
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize, size }) => {
        if (name.endsWith('/') || name.split('/').some((part) => part.startsWith('.') || part === '__MACOSX'))
          return false;
        total += originalSize;
        if (total > zipBytesMax || originalSize > ratioMax * size) throw new Error('too large');
        return true;
      },
    });
    return new Map(Object.entries(files).map(([path, content]) => [path, inMemory(content)]));
  } catch (cause) {
    const message = 'The zip is damaged, or holds more than one can be meant to hold.';
    throw new PublicationError('publication.zip-unusable', message, { cause });
  }
}

/** A new directory. @throws PublicationError `publication.place-taken` */
export async function newDirectory(path: string): Promise<FileSink> {
  const taken = await readdir(path).catch(() => []);
  if (taken.length > 0) {
    throw new PublicationError('publication.place-taken', 'There is something in that place already. Choose another.');
  }
  return {
    write: async (name, bytes) => {
      await mkdir(join(path, dirname(name)), { recursive: true });
      await writeFile(join(path, name), bytes, { flush: true });
    },
  };
}
