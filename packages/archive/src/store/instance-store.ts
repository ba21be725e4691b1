/**
 * Makes de-identified instances durable: their bytes, and their rows in the catalogue. Small ones by the journal, so that all
 * that come at the same time share one flush; of large ones a flush of their own costs little.
 */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { AttributeChange } from '@consilium/imaging';
import type { Annotations } from './annotations.ts';
import type { CommitGroup } from './commit-group.ts';
import type { ContentDirectory } from './content-directory.ts';
import { type InstanceHeader, readInstanceHeader } from './instance-header.ts';
import type { InstanceRecorder, RecordOutcome } from './instance-recorder.ts';
import { IntakeJournal, recordsOf } from './intake-journal.ts';

export interface InstanceStoreParts {
  readonly database: DatabaseSync;
  readonly commits: CommitGroup;
  readonly instances: ContentDirectory;
  readonly recorder: InstanceRecorder;
  readonly annotations: Annotations;
}

export interface IncomingInstance {
  readonly header: InstanceHeader;
  /** De-identified. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Keyed digest of the file as it came. */
  readonly source: Uint8Array;
  readonly nowMs: number;
  /** What de-identification did to it. */
  readonly changes: readonly AttributeChange[];
}

/** What of an instance is not in its bytes; kept in the journal as JSON. */
interface JournaledFacts {
  readonly source: string;
  readonly nowMs: number;
  readonly changes: readonly AttributeChange[];
}

/** Recovered before their rows and contents are flushed. */
const recoveredAtOnce = 64;

export class InstanceStore {
  readonly #parts: InstanceStoreParts;
  readonly #journal: IntakeJournal;

  private constructor(parts: InstanceStoreParts, journal: IntakeJournal) {
    this.#parts = parts;
    this.#journal = journal;
  }

  /**
   * First does again what a crash or a power cut has undone.
   * @param directory the archive's.
   * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
   */
  static async open(directory: string, parts: InstanceStoreParts): Promise<InstanceStore> {
    const journalDirectory = join(directory, 'journal');
    const row = parts.database.prepare("SELECT value FROM archive_state WHERE key = 'settled_generation'").get();
    const before = Number(row?.['value'] ?? 0);
    const settledGeneration = await recover(journalDirectory, before, parts);
    const settle = (contents: ReadonlySet<string>, generation: number) => settled(parts, contents, generation);
    const journal = new IntakeJournal({ directory: journalDirectory, settledGeneration, settle });
    return new InstanceStore(parts, journal);
  }

  /** Resolves when it is durable, or refused. @throws ArchiveError `archive.disk-full`, `archive.not-writable` */
  async store(instance: IncomingInstance): Promise<RecordOutcome> {
    const { instances } = this.#parts;
    const { bytes, sha256 } = instance;
    const isJournaled = bytes.length <= this.#journal.recordBytesMax;
    const outcome = await (isJournaled ? this.#journaled(instance) : this.#flushed(instance));
    // An instance's content holds its UID: nobody else can have the same.
    if (outcome.kind !== 'stored' && outcome.kind !== 'duplicate') await instances.remove(sha256);
    return outcome;
  }

  /** Leaves no byte of any instance but where it is listed. @throws as `store` */
  empty(): Promise<void> {
    return this.#journal.empty();
  }

  /** @throws as `store` */
  close(): Promise<void> {
    return this.#journal.close();
  }

  async #journaled(instance: IncomingInstance): Promise<RecordOutcome> {
    const { commits, instances } = this.#parts;
    const { bytes, changes, nowMs, sha256, source } = instance;
    const facts: JournaledFacts = { source: Buffer.from(source).toString('hex'), nowMs, changes };
    const record = { facts: JSON.stringify(facts), bytes, sha256 };
    const applied = await this.#journal.append(record, () => instances.putUnflushed(bytes, sha256));
    try {
      // Only now: no row may become durable before what it stands for.
      return await commits.run(() => recorded(this.#parts, instance), { flush: false });
    } finally {
      applied();
    }
  }

  async #flushed(instance: IncomingInstance): Promise<RecordOutcome> {
    const { commits, instances } = this.#parts;
    await instances.put(instance.bytes, instance.sha256);
    return commits.run(() => recorded(this.#parts, instance));
  }
}

/** Within a transaction. */
function recorded({ recorder, annotations }: InstanceStoreParts, instance: IncomingInstance): RecordOutcome {
  const { header, bytes, sha256, source, nowMs, changes } = instance;
  const outcome = recorder.record({
    ...{ header, format: 'dicom', sha256, source, sizeBytes: bytes.length, nowMs, changes },
  });
  if (outcome.kind === 'stored' && outcome.isFirstOfSeries) annotations.refreshText(outcome.seriesId);
  return outcome;
}

/** Flushing the catalogue flushes all rows that went into it before. */
async function settled(
  { commits, database, instances }: InstanceStoreParts,
  contents: ReadonlySet<string>,
  generation: number,
): Promise<void> {
  await instances.flush(contents);
  await commits.run(() =>
    database.prepare("INSERT OR REPLACE INTO archive_state VALUES ('settled_generation', ?)").run(String(generation)),
  );
}

/** What is no longer known, or was refused, is left to the sweep. Answers with the last generation there was. */
async function recover(directory: string, settledBefore: number, parts: InstanceStoreParts): Promise<number> {
  let last = settledBefore;
  const contents = new Set<string>();
  let group: Promise<unknown>[] = [];
  for await (const { facts, bytes, sha256, generation } of recordsOf(directory, { settledGeneration: settledBefore })) {
    last = generation;
    contents.add(sha256);
    await parts.instances.restore(bytes, sha256);
    const { source, nowMs, changes } = JSON.parse(facts) as JournaledFacts;
    const header = readInstanceHeader(bytes);
    const instance = { header, bytes, sha256, source: Buffer.from(source, 'hex'), nowMs, changes };
    group.push(parts.commits.run(() => recorded(parts, instance), { flush: false }));
    if (group.length < recoveredAtOnce) continue;
    await Promise.all(group);
    group = [];
  }
  await Promise.all(group);
  if (contents.size > 0) await settled(parts, contents, last);
  return last;
}
