/** Takes in folders, zip files and watched folders; each import is written down and goes on after a kill. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import type { ArchiveEvents } from '../archive-events.ts';
import type { IntakeLimits, WatchSettings } from '../archive-settings.ts';
import { makeDirectory } from '../store/durable-file.ts';
import { storageError } from '../store/storage-error.ts';
import { type FileTree, folderTree, type TreeFile } from './file-tree.ts';
import type { FileOutcome, ImportReport, RunningImport } from './import-ledger.ts';
import { codeOfFailure, type ImportRunParts, runImport } from './import-run.ts';
import { watchFolder } from './watched-folder.ts';
import { zipTree } from './zip-tree.ts';

export interface IntakeParts extends Omit<ImportRunParts, 'bytesAtOnceMax'> {
  /** For uploads until they are taken in. */
  readonly directory: string;
  readonly clock: ArchiveClock;
  readonly events: ArchiveEvents;
  readonly limits: IntakeLimits;
  readonly watch: readonly WatchSettings[];
}

export interface ImportOptions {
  /** Stops after the files under way; the import stays unfinished, and goes on when it is asked for again. */
  readonly signal?: AbortSignal;
}

export interface FolderOptions extends ImportOptions {
  /** Takes DICOM files that state no study and series for one series a folder. */
  readonly oneSeriesAFolder?: boolean;
}

export interface ImportProgress {
  readonly done: number;
  /** Files found so far. */
  readonly total: number;
}

interface ImportUnderWay {
  readonly stop: AbortController;
  readonly ended: Promise<ImportReport>;
  progress: ImportProgress;
}

export class Intake {
  readonly #parts: IntakeParts;
  readonly #underWay = new Map<string, ImportUnderWay>();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /**
   * Takes in what is in a folder, or goes on with it.
   * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
   */
  async importFolder(path: string, options: FolderOptions = {}): Promise<ImportReport> {
    return (await this.beginFolder(path, options)).ended;
  }

  /** As `importFolder`, but resolves when the import is written down; `report` tells how far it is. */
  async beginFolder(
    path: string,
    options: FolderOptions = {},
  ): Promise<{ readonly id: string; readonly ended: Promise<ImportReport> }> {
    const { ledger, clock } = this.#parts;
    const kind = options.oneSeriesAFolder === true ? 'series-folders' : 'folder';
    const one = await ledger.begin(kind, resolve(path), clock.nowMs());
    const ended = this.#run(one, options);
    // Whoever does not wait for it reads the report.
    ended.catch(() => {});
    return { id: one.id, ended };
  }

  /**
   * Takes in a zip file as it is uploaded. It lies on the disk, readable to nobody else, until it is taken in.
   * @throws ArchiveError `archive.zip-*`, `archive.disk-full`, `archive.not-writable`
   */
  async importZip(bytes: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<ImportReport> {
    const { directory, ledger, clock } = this.#parts;
    await makeDirectory(directory, 0o700);
    const path = join(directory, `${randomUUID()}.zip`);
    try {
      // Opened first: a stream that fails before it has its file would leave one that comes after it was removed.
      const file = await open(path, 'wx', 0o600);
      await pipeline(this.#bounded(bytes), file.createWriteStream({ flush: true }));
    } catch (error) {
      await rm(path, { force: true });
      throw storageError(error, path);
    }
    return this.#run(await ledger.begin('zip', path, clock.nowMs()), options);
  }

  /**
   * The files in a zip file of this machine, within the archive's limits.
   * @throws ArchiveError `archive.zip-*`
   */
  readZip(path: string): Promise<FileTree> {
    return zipTree(path, this.#parts.limits);
  }

  /** Goes on with the imports that were under way when the archive was closed or its process killed. */
  async resume(options: ImportOptions = {}): Promise<readonly ImportReport[]> {
    const reports: ImportReport[] = [];
    const running = this.#parts.ledger.running().filter(({ kind }) => kind !== 'watch');
    await this.#sweepUploads(running);
    for (const one of running) reports.push(await this.#run(one, options).catch(() => this.report(one.id)));
    return reports;
  }

  /** How far an import is; undefined if it is not under way now. */
  progress(importId: string): ImportProgress | undefined {
    return this.#underWay.get(importId)?.progress;
  }

  /** Ends an import after the files under way; it goes on by `goOn`, or when the archive is opened again. */
  async stop(importId: string): Promise<void> {
    const running = this.#underWay.get(importId);
    running?.stop.abort();
    await running?.ended.catch(() => {});
  }

  /** Goes on with an import that was stopped. @throws ArchiveError `archive.import-unknown` */
  goOn(importId: string, options: ImportOptions = {}): ImportReport {
    const report = this.report(importId);
    const one = this.#parts.ledger.running().find(({ id, kind }) => id === importId && kind !== 'watch');
    // Whoever wants to know how it ends reads the report.
    if (one !== undefined) this.#run(one, options).catch(() => {});
    return report;
  }

  /** Looks after the watched folders of the settings until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    const { watch, clock } = this.#parts;
    await Promise.all(
      watch.map((settings) =>
        watchFolder(settings, { clock, signal, take: (tree) => this.#takeWatched(settings.directory, tree, signal) }),
      ),
    );
  }

  /** @throws ArchiveError `archive.import-unknown` */
  report(importId: string): ImportReport {
    return this.#parts.ledger.report(importId);
  }

  /** Of all imports, the newest first. */
  reports(): readonly ImportReport[] {
    return this.#parts.ledger.ids().map((id) => this.report(id));
  }

  /** Of an import that is under way already, the same promise. */
  #run(one: RunningImport, { signal }: ImportOptions): Promise<ImportReport> {
    const known = this.#underWay.get(one.id);
    if (known !== undefined) return known.ended;
    const stop = new AbortController();
    const either = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
    const ended = this.#take(one, either).finally(() => this.#underWay.delete(one.id));
    this.#underWay.set(one.id, { stop, ended, progress: { done: 0, total: 0 } });
    return ended;
  }

  async #take(one: RunningImport, signal: AbortSignal): Promise<ImportReport> {
    const { ledger, limits, events } = this.#parts;
    let progress: ImportProgress = { done: 0, total: 0 };
    const tell = (state: 'running' | 'stopped' | 'finished' | 'failed'): void => {
      events.tell({ kind: 'import', importId: one.id, ...progress, state });
    };
    try {
      await using tree = await (one.kind === 'zip' ? zipTree(one.path, limits) : folderTree(one.path));
      await runImport(
        { ...this.#parts, bytesAtOnceMax: limits.bytesAtOnceMax },
        {
          importId: one.id,
          root: one.path,
          tree,
          oneSeriesAFolder: one.kind === 'series-folders',
          origin: one.kind === 'zip' ? { kind: 'upload' } : { kind: 'folder' },
          signal,
          onProgress: (done, total) => {
            progress = { done, total };
            const underWay = this.#underWay.get(one.id);
            if (underWay !== undefined) underWay.progress = progress;
            tell('running');
          },
        },
      );
      if (signal.aborted) {
        tell('stopped');
        return this.report(one.id);
      }
    } catch (error) {
      await ledger.end(one.id, 'failed', codeOfFailure(error));
      if (one.kind === 'zip') await rm(one.path, { force: true });
      tell('failed');
      throw error;
    }
    await ledger.end(one.id, 'finished');
    if (one.kind === 'zip') await rm(one.path, { force: true });
    tell('finished');
    return this.report(one.id);
  }

  async #takeWatched(
    directory: string,
    tree: FileTree,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<TreeFile, FileOutcome>> {
    const { ledger, clock, limits, events } = this.#parts;
    const root = resolve(directory);
    const { id } = await ledger.begin('watch', root, clock.nowMs());
    for (const file of tree.files.filter(({ path }) => /\.zip$/i.test(path))) {
      const bytes = createReadStream(join(directory, file.path));
      const code = await this.importZip(bytes, { signal }).then(() => undefined, codeOfZip);
      await ledger.note(id, file, code === undefined ? { outcome: 'stored', code } : { outcome: 'refused', code });
    }
    await runImport(
      { ...this.#parts, bytesAtOnceMax: limits.bytesAtOnceMax },
      {
        ...{ importId: id, root, tree, origin: { kind: 'folder' }, signal },
        onProgress: (done, total) => events.tell({ kind: 'import', importId: id, done, total, state: 'running' }),
      },
    );
    return new Map(
      tree.files.flatMap((file): [TreeFile, FileOutcome][] => {
        const outcome = ledger.outcomeOf(id, file);
        return outcome === undefined ? [] : [[file, outcome]];
      }),
    );
  }

  async *#bounded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let total = 0;
    for await (const chunk of bytes) {
      total += chunk.length;
      if (total > this.#parts.limits.zipBytesMax) {
        throw new ArchiveError('archive.zip-too-large', 'The zip file is larger than is allowed.');
      }
      yield chunk;
    }
  }

  /** Uploads that were cut off belong to no import. */
  async #sweepUploads(running: readonly RunningImport[]): Promise<void> {
    const { directory } = this.#parts;
    const known = new Set(running.map(({ path }) => path));
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name);
      if (!known.has(path)) await rm(path, { force: true });
    }
  }
}

/** What is wrong with a zip is its outcome; what is wrong with us, an error. */
function codeOfZip(error: unknown): string {
  if (error instanceof ArchiveError && error.code.startsWith('archive.zip-')) return error.code;
  throw error;
}
