/** A folder into which others put files: each is taken when it has stopped growing, and then moved away or deleted. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveClock } from '../archive-clock.ts';
import type { WatchSettings } from '../archive-settings.ts';
import { type FileTree, folderTree, type TreeFile } from './file-tree.ts';
import type { FileOutcome } from './import-ledger.ts';

/** Within the watched folder: where files go that were taken in, and those that were not, whatever the settings say. */
const doneFolder = 'done';
const refusedFolder = 'refused';

export interface WatchOptions {
  readonly clock: ArchiveClock;
  readonly signal: AbortSignal;
  /** Takes in the files of a tree. What has no outcome is tried again. Rejects when the disk is full and the like. */
  readonly take: (tree: FileTree) => Promise<ReadonlyMap<TreeFile, FileOutcome>>;
}

/** Until the signal aborts. What cannot be read or written now is tried again at the next look. */
export async function watchFolder(settings: WatchSettings, options: WatchOptions): Promise<void> {
  const { clock, signal } = options;
  /** When each file was first seen as it is now. */
  let seen = new Map<string, number>();
  while (!signal.aborted) {
    const tree = await folderTree(settings.directory, { leaveOut: [doneFolder, refusedFolder] }).catch(() => undefined);
    if (tree !== undefined) {
      const nowMs = clock.nowMs();
      seen = new Map(tree.files.map((file) => [keyOf(file), seen.get(keyOf(file)) ?? nowMs]));
      const quiet = tree.files.filter((file) => nowMs - seen.get(keyOf(file))! >= settings.quietMs);
      if (quiet.length > 0) await takeQuiet({ ...tree, files: quiet }, settings, options).catch(() => {});
    }
    await clock.sleep(settings.everyMs, signal);
  }
}

async function takeQuiet(tree: FileTree, settings: WatchSettings, { take }: WatchOptions): Promise<void> {
  for (const [{ path }, { outcome, code }] of await take(tree)) {
    // Its image may be under way.
    if (code === 'label-without-image') continue;
    const wasTaken = outcome === 'stored' || outcome === 'duplicate';
    const from = join(settings.directory, path);
    if (wasTaken && settings.afterwards === 'delete') {
      await rm(from, { force: true });
      continue;
    }
    const to = join(settings.directory, wasTaken ? doneFolder : refusedFolder, path);
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
}

function keyOf({ path, version }: TreeFile): string {
  return `${path}\0${version}`;
}
