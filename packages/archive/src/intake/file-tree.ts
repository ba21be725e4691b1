/** Files in folders, wherever they are: on disk, or in a zip. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError } from '../archive-error.ts';

export interface TreeFile {
  /** With `/` between names, relative to the tree's root. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Another one when the content may be. */
  readonly version: string;
}

export interface FileTree extends AsyncDisposable {
  /** In order of their paths. */
  readonly files: readonly TreeFile[];
  /** @param bytesMax only the beginning. */
  read(file: TreeFile, options?: { readonly bytesMax: number }): Promise<Uint8Array>;
}

/**
 * The files of a folder and all folders in it. Links are not followed, so that no file outside the folder is read.
 * @param leaveOut names of folders directly in `root`.
 * @throws ArchiveError `archive.folder-unreadable`
 */
export async function folderTree(
  root: string,
  { leaveOut = [] }: { leaveOut?: readonly string[] } = {},
): Promise<FileTree> {
  const files: TreeFile[] = [];
  const pending = [''];
  try {
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory() && !leaveOut.includes(path)) pending.push(path);
        if (!entry.isFile()) continue;
        const { size, mtimeMs } = await stat(join(root, path));
        files.push({ path, sizeBytes: size, version: `${size} ${mtimeMs}` });
      }
    }
  } catch (error) {
    const message = 'A folder that was to be taken in does not exist or cannot be read.';
    throw new ArchiveError('archive.folder-unreadable', message, { detail: (error as Error).message, cause: error });
  }
  return {
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
    read: (file, options) => readBeginning(join(root, file.path), options?.bytesMax),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function readBeginning(path: string, bytesMax: number | undefined): Promise<Uint8Array> {
  if (bytesMax === undefined) return readFile(path);
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(new Uint8Array(bytesMax), 0, bytesMax, 0);
  return buffer.subarray(0, bytesRead);
}
