/**
 * Studies that are being fetched from remote archives, one after the other for each of them. What is asked for is written
 * down before it is answered, and goes on after a restart.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Door } from '../admission.ts';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import type { ArchiveEvents } from '../archive-events.ts';
import { type PullTarget, pull } from '../dimse/pull.ts';
import { writeDurably } from '../store/durable-file.ts';
import type { SealedBox } from '../store/sealed-box.ts';
import type { RemotePeer } from './remote-peer.ts';

export interface PullEntry extends PullTarget {
  readonly id: string;
  readonly remote: string;
  readonly state: 'waiting' | 'running' | 'finished' | 'failed' | 'cancelled';
  /** Why it failed. */
  readonly code?: string;
  /** Known once the remote archive has listed them. */
  readonly instances?: number;
  readonly held?: number;
}

export interface PullsParts {
  /** Holds the original UIDs of studies, and is encrypted therefore. */
  readonly path: string;
  readonly box: SealedBox;
  readonly door: Door;
  readonly events: ArchiveEvents;
  readonly clock: ArchiveClock;
  readonly remotes: ReadonlyMap<string, RemotePeer>;
  readonly heldOf: (sopInstanceUids: readonly string[]) => ReadonlySet<string>;
}

/** Of those that have ended, so many are remembered. */
const endedMax = 100;
const fileName = 'pulls';

export class Pulls {
  readonly #parts: PullsParts;
  readonly #entries = new Map<string, PullEntry>();
  readonly #cancels = new Map<string, AbortController>();
  readonly #turns = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #writing: Promise<void> = Promise.resolve();

  private constructor(parts: PullsParts) {
    this.#parts = parts;
  }

  static async open(parts: PullsParts): Promise<Pulls> {
    const pulls = new Pulls(parts);
    const sealed = await readFile(parts.path).catch(() => undefined);
    const text = sealed === undefined ? '[]' : parts.box.openText(sealed, fileName);
    for (const entry of JSON.parse(text) as PullEntry[]) {
      pulls.#entries.set(entry.id, entry);
      if (entry.state === 'waiting' || entry.state === 'running') pulls.#queue({ ...entry, state: 'waiting' });
    }
    return pulls;
  }

  /** The newest first. */
  list(): readonly PullEntry[] {
    return [...this.#entries.values()].reverse();
  }

  /** @throws ArchiveError `archive.remote-unknown` */
  async begin(remote: string, target: PullTarget): Promise<PullEntry> {
    if (!this.#parts.remotes.has(remote)) throw remoteUnknown();
    const entry: PullEntry = { ...target, id: randomUUID(), remote, state: 'waiting' };
    this.#entries.set(entry.id, entry);
    await this.#write();
    this.#queue(entry);
    return entry;
  }

  /** @throws ArchiveError `archive.pull-unknown` */
  async cancel(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new ArchiveError('archive.pull-unknown', 'There is no such retrieval.');
    this.#cancels.get(id)?.abort();
    if (entry.state === 'waiting' || entry.state === 'running') await this.#change(id, { state: 'cancelled' });
  }

  /** Those that are such: what runs is stopped, and no trace of them is kept. */
  async forget(isSuch: (entry: PullEntry) => boolean): Promise<void> {
    const such = this.list().filter(isSuch);
    for (const { id } of such) await this.cancel(id);
    for (const { id } of such) this.#entries.delete(id);
    if (such.length > 0) await this.#write();
  }

  /** Stops what runs; it goes on when the archive is opened again. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#turns.values());
    await this.#writing;
  }

  #queue(entry: PullEntry): void {
    this.#entries.set(entry.id, entry);
    const before = this.#turns.get(entry.remote) ?? Promise.resolve();
    this.#turns.set(
      entry.remote,
      before.then(() => this.#run(entry.id)),
    );
  }

  async #run(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry?.state !== 'waiting' || this.#stop.signal.aborted) return;
    const cancel = new AbortController();
    this.#cancels.set(id, cancel);
    const signal = AbortSignal.any([cancel.signal, this.#stop.signal]);
    try {
      await this.#change(id, { state: 'running' });
      const remote = this.#parts.remotes.get(entry.remote);
      if (remote === undefined) throw remoteUnknown();
      const { studyInstanceUid, seriesInstanceUid } = entry;
      const result = await pull({
        remote: remote.archive,
        target: { studyInstanceUid, ...(seriesInstanceUid === undefined ? {} : { seriesInstanceUid }) },
        door: this.#parts.door,
        heldOf: async (uids) => this.#parts.heldOf(uids),
        sleep: (ms, until) => this.#parts.clock.sleep(ms, until),
        signal,
        onProgress: ({ held, instances }) => this.#note(id, { held, instances }),
      });
      if (signal.aborted) return;
      const { complete, failure, held, instances } = result;
      const state = complete ? 'finished' : 'failed';
      await this.#change(id, { state, held, instances, ...(complete ? {} : { code: codeOf(failure) }) });
    } catch (error) {
      if (!signal.aborted) await this.#change(id, { state: 'failed', code: codeOf(error) });
    } finally {
      this.#cancels.delete(id);
    }
  }

  async #change(id: string, change: Partial<PullEntry>): Promise<void> {
    this.#note(id, change);
    await this.#write();
  }

  #note(id: string, change: Partial<PullEntry>): void {
    const before = this.#entries.get(id);
    if (before === undefined) return;
    const entry = { ...before, ...change };
    this.#entries.set(id, entry);
    const { held = 0, instances = 0, state } = entry;
    this.#parts.events.tell({ kind: 'pull', pullId: id, state, held, instances });
  }

  #write(): Promise<void> {
    const isOpen = ({ state }: PullEntry) => state === 'waiting' || state === 'running';
    const ended = this.list().filter((entry) => !isOpen(entry));
    for (const { id } of ended.slice(endedMax)) this.#entries.delete(id);
    const { box, path } = this.#parts;
    const sealed = box.sealText(JSON.stringify([...this.#entries.values()]), fileName);
    this.#writing = this.#writing.then(() => writeDurably(path, sealed, { mode: 0o600 }));
    return this.#writing;
  }
}

function remoteUnknown(): ArchiveError {
  return new ArchiveError('archive.remote-unknown', 'The settings name no such remote archive.');
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : 'archive.pull-incomplete';
}
