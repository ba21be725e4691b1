/**
 * Instances on their way into the archive, flushed together before they are acknowledged: one flush of one file instead of
 * one of every file and table they go to. Those are flushed later, many at once; what a power cut takes of them is written
 * again from here. Two files take turns: while one is filled, what stands in the other is made durable in its own place.
 *
 * A record is a head of 56 bytes, all numbers little endian, then its facts (JSON), then the instance:
 *
 * | bytes | what |
 * |---|---|
 * | 0–3 | `CIJ1` |
 * | 4–7, 8–11 | length of the facts, of the instance |
 * | 12–15 | CRC-32 of head, without these bytes, and facts |
 * | 16–23 | generation: how many times the two files were begun before |
 * | 24–55 | SHA-256 of the instance |
 *
 * Files are begun again without being emptied. What follows the last whole record of the generation a file begins with is
 * older, or was never acknowledged.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { sha256Of } from './content-directory.ts';
import { makeDirectory, syncDirectory } from './durable-file.ts';
import { storageError } from './storage-error.ts';

export interface JournalRecord {
  /** JSON. */
  readonly facts: string;
  readonly bytes: Uint8Array;
  /** Of the bytes, hexadecimal. */
  readonly sha256: string;
}

export interface IntakeJournalOptions {
  readonly directory: string;
  /** Generations up to this one have been settled. */
  readonly settledGeneration: number;
  /** Makes what these records were applied to durable, and notes that generations up to this one are settled. */
  readonly settle: (contents: ReadonlySet<string>, generation: number) => Promise<void>;
  /** Of each of the two files; a longer record than fits is refused. Default 64 MiB. */
  readonly segmentBytes?: number;
}

const magic = 0x314a_4943;
const headBytes = 56;
const segmentBytesDefault = 64 * 2 ** 20;
/** Written by one call. */
const recordsAtOnceMax = 256;
const segmentNames = ['0.segment', '1.segment'] as const;

interface Waiting {
  readonly record: JournalRecord;
  readonly meanwhile: () => void;
  readonly resolve: (applied: () => void) => void;
  readonly reject: (error: unknown) => void;
}

/** One of the two files, or what stands in it. */
class Segment {
  readonly path: string;
  file: FileHandle | undefined;
  generation = 0;
  endBytes = 0;
  contents = new Set<string>();
  /** Records that are durable here and not yet where they belong. */
  #pending = 0;
  #whenApplied: (() => void) | undefined;
  /** Rejected: what stands in it could not be settled, and is tried again before it is begun again. */
  settled: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  begin(generation: number): void {
    this.generation = generation;
    this.endBytes = 0;
    this.contents = new Set();
  }

  add(sha256: string): () => void {
    this.contents.add(sha256);
    this.#pending++;
    return () => {
      if (--this.#pending === 0) this.#whenApplied?.();
    };
  }

  async applied(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#whenApplied = resolve));
  }
}

export class IntakeJournal {
  readonly #options: IntakeJournalOptions;
  readonly #segmentBytes: number;
  readonly #segments: readonly [Segment, Segment];
  #current = 0;
  #waiting: Waiting[] = [];
  #isWriting = false;
  /** Writing, emptying and closing take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  /** In a directory that holds nothing unsettled: `recordsOf` comes first. */
  constructor(options: IntakeJournalOptions) {
    this.#options = options;
    this.#segmentBytes = options.segmentBytes ?? segmentBytesDefault;
    const [first, second] = segmentNames;
    this.#segments = [new Segment(join(options.directory, first)), new Segment(join(options.directory, second))];
    this.#segments[0].begin(options.settledGeneration + 1);
  }

  /** Of one instance: more is quicker flushed where it belongs. */
  get recordBytesMax(): number {
    return this.#segmentBytes / 16;
  }

  /**
   * Resolves when the record is durable, with what to call once its content and its row are written, flushed or not. All
   * that wait meanwhile share the next flush.
   * @param meanwhile is done while the disk flushes; if it throws, so does this.
   * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
   */
  append(record: JournalRecord, meanwhile: () => void): Promise<() => void> {
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    this.#waiting.push({ record, meanwhile, resolve, reject });
    if (!this.#isWriting) {
      this.#isWriting = true;
      void this.#inTurn(() => this.#writeAll());
    }
    return promise;
  }

  /** Settles all, and leaves no byte of any instance in the files. @throws as `append` */
  empty(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#settleAll();
      for (const { file } of this.#segments) {
        await file?.truncate(0);
        await file?.datasync();
      }
    });
  }

  /** Settles all and removes the files. @throws as `append` */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#settleAll();
      for (const segment of this.#segments) {
        await segment.file?.close();
        segment.file = undefined;
        await rm(segment.path, { force: true });
      }
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      let group: readonly Waiting[] = this.#waiting.slice(0, 1);
      try {
        const segment = await this.#segmentFor(group[0]!.record);
        group = this.#fitting(segment);
        const written = this.#write(segment, group);
        const failures = new Map(group.flatMap((one) => failureOf(one)));
        await written;
        this.#waiting.splice(0, group.length);
        for (const one of group) {
          if (failures.has(one)) one.reject(failures.get(one));
          else one.resolve(segment.add(one.record.sha256));
        }
      } catch (error) {
        this.#waiting.splice(0, group.length);
        for (const { reject } of group) reject(storageError(error, this.#options.directory));
      }
    }
    this.#isWriting = false;
  }

  /** The file that is being filled, or the other one once what stands in it has been settled. */
  async #segmentFor(record: JournalRecord): Promise<Segment> {
    const current = this.#segments[this.#current]!;
    if (current.endBytes === 0 || current.endBytes + lengthOf(record) <= this.#segmentBytes) return current;
    const next = this.#segments[1 - this.#current]!;
    await next.settled.catch(() => this.#settle(next));
    next.settled = Promise.resolve();
    current.settled = this.#settle(current);
    // Whoever begins it again looks.
    current.settled.catch(() => {});
    next.begin(current.generation + 1);
    this.#current = 1 - this.#current;
    return next;
  }

  #fitting(segment: Segment): readonly Waiting[] {
    let endBytes = segment.endBytes;
    const beyond = this.#waiting.findIndex(({ record }, index) => {
      endBytes += lengthOf(record);
      return index > 0 && (endBytes > this.#segmentBytes || index >= recordsAtOnceMax);
    });
    return this.#waiting.slice(0, beyond < 0 ? undefined : beyond);
  }

  async #write(segment: Segment, group: readonly Waiting[]): Promise<void> {
    segment.file ??= await opened(segment.path);
    const parts = group.flatMap(({ record }) => [headOf(record, segment.generation), record.bytes]);
    const wanted = parts.reduce((sum, { length }) => sum + length, 0);
    const { bytesWritten } = await segment.file.writev(parts, segment.endBytes);
    if (bytesWritten < wanted) {
      const rest = Buffer.concat(parts).subarray(bytesWritten);
      // Writes all, or throws.
      for (let at = 0; at < rest.length; ) {
        at += (await segment.file.write(rest, at, rest.length - at, segment.endBytes + bytesWritten + at)).bytesWritten;
      }
    }
    segment.endBytes += wanted;
  }

  async #settle(segment: Segment): Promise<void> {
    await segment.applied();
    await this.#options.settle(segment.contents, segment.generation);
  }

  async #settleAll(): Promise<void> {
    const [current, other] = [this.#segments[this.#current]!, this.#segments[1 - this.#current]!];
    await other.settled.catch(() => this.#settle(other));
    other.settled = Promise.resolve();
    if (current.endBytes === 0) return;
    await this.#settle(current);
    current.begin(current.generation + 1);
  }
}

/** What an archive that was not closed has acknowledged and perhaps not kept elsewhere, in order. */
export async function* recordsOf(
  directory: string,
  { settledGeneration }: { settledGeneration: number },
): AsyncGenerator<JournalRecord & { readonly generation: number }> {
  const files: { readonly file: FileHandle; readonly generation: number }[] = [];
  try {
    for (const name of segmentNames) {
      const file = await open(join(directory, name), 'r').catch(() => undefined);
      if (file === undefined) continue;
      files.push({ file, generation: (await readHead(file, 0))?.generation ?? 0 });
    }
    for (const { file, generation } of files.toSorted((a, b) => a.generation - b.generation)) {
      if (generation <= settledGeneration) continue;
      for (let at = 0; ; ) {
        const record = await readRecord(file, at, generation);
        if (record === undefined) break;
        yield { ...record, generation };
        at += lengthOf(record);
      }
    }
  } finally {
    for (const { file } of files) await file.close();
  }
}

function failureOf(one: Waiting): [Waiting, unknown][] {
  try {
    one.meanwhile();
    return [];
  } catch (error) {
    return [[one, error]];
  }
}

/** Each write returns when it is flushed, as if by fdatasync. */
async function opened(path: string): Promise<FileHandle> {
  await makeDirectory(join(path, '..'));
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC, 0o640);
  await syncDirectory(join(path, '..'));
  return file;
}

function lengthOf({ facts, bytes }: JournalRecord): number {
  return headBytes + Buffer.byteLength(facts) + bytes.length;
}

/** With the facts. */
function headOf({ facts, bytes, sha256 }: JournalRecord, generation: number): Buffer {
  const factBytes = Buffer.byteLength(facts);
  const head = Buffer.alloc(headBytes + factBytes);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(factBytes, 4);
  head.writeUInt32LE(bytes.length, 8);
  head.writeBigUInt64LE(BigInt(generation), 16);
  head.write(sha256, 24, 'hex');
  head.write(facts, headBytes);
  head.writeUInt32LE(crc32(head), 12);
  return head;
}

interface Head {
  readonly generation: number;
  readonly facts: string;
  readonly sha256: string;
  readonly instanceAt: number;
  readonly instanceBytes: number;
}

/** Undefined where there is no whole one. */
async function readHead(file: FileHandle, at: number): Promise<Head | undefined> {
  const fixed = await readAt(file, at, headBytes);
  if (fixed?.readUInt32LE(0) !== magic) return undefined;
  const [factBytes, instanceBytes] = [fixed.readUInt32LE(4), fixed.readUInt32LE(8)];
  const facts = await readAt(file, at + headBytes, factBytes);
  if (facts === undefined) return undefined;
  const stated = fixed.readUInt32LE(12);
  fixed.writeUInt32LE(0, 12);
  if (crc32(facts, crc32(fixed)) !== stated) return undefined;
  return {
    generation: Number(fixed.readBigUInt64LE(16)),
    facts: facts.toString('utf8'),
    sha256: fixed.toString('hex', 24, headBytes),
    instanceAt: at + headBytes + factBytes,
    instanceBytes,
  };
}

async function readRecord(file: FileHandle, at: number, generation: number): Promise<JournalRecord | undefined> {
  const head = await readHead(file, at);
  if (head?.generation !== generation) return undefined;
  const bytes = await readAt(file, head.instanceAt, head.instanceBytes);
  if (bytes === undefined || sha256Of(bytes) !== head.sha256) return undefined;
  return { facts: head.facts, bytes, sha256: head.sha256 };
}

/** Undefined beyond the end: no more is allocated than the file holds. */
async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer | undefined> {
  if (at + bytes > (await file.stat()).size) return undefined;
  const buffer = Buffer.alloc(bytes);
  for (let read = 0; read < bytes; ) {
    const { bytesRead } = await file.read(buffer, read, bytes - read, at + read);
    if (bytesRead === 0) return undefined;
    read += bytesRead;
  }
  return buffer;
}
