/** Files that state no study and series, taken for one series a folder: named by what is in it, so that it is the same again. */
import { createHash } from 'node:crypto';
import { type StatedGroup, uidOf } from '@consilium/imaging';
import { sha256Of } from '../store/content-directory.ts';
import type { FileTree, TreeFile } from './file-tree.ts';

export class FolderGroups {
  readonly #tree: FileTree;
  readonly #files: ReadonlyMap<string, readonly TreeFile[]>;
  readonly #groups = new Map<string, Promise<StatedGroup>>();

  constructor(tree: FileTree, files: readonly TreeFile[]) {
    this.#tree = tree;
    this.#files = Map.groupBy(files, folderOf);
  }

  groupOf(file: TreeFile): Promise<StatedGroup> {
    const folder = folderOf(file);
    let group = this.#groups.get(folder);
    if (group === undefined) {
      group = this.#made(this.#files.get(folder) ?? [file]);
      this.#groups.set(folder, group);
    }
    return group;
  }

  /** Whatever the files and the folder are called. */
  async #made(files: readonly TreeFile[]): Promise<StatedGroup> {
    const contents: string[] = [];
    for (const file of files) contents.push(sha256Of(await this.#tree.read(file)));
    const digest = createHash('sha256').update(contents.sort().join()).digest('hex');
    return { studyInstanceUid: uidOf('folder study', digest), seriesInstanceUid: uidOf('folder series', digest) };
  }
}

function folderOf({ path }: TreeFile): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
