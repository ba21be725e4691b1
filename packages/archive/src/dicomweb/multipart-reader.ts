/**
 * Reads `multipart/related` (RFC 2046 section 5.1) as it arrives, part by part. Headers and parts are limited; a body that
 * is not well formed is refused, and nothing is searched twice.
 */
import { ArchiveError } from '../archive-error.ts';

export interface Part {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Once; they are not held any longer, though the reader may still have the part in hand. */
  readonly takeBytes: () => Buffer;
}

export interface MultipartLimits {
  /** Of one part. */
  readonly partBytesMax: number;
  /** Waits, or throws, when so many more bytes are to be held. */
  readonly take?: (bytes: number) => Promise<void>;
}

const headerBytesMax = 16 * 1024;
const crlf = Buffer.from('\r\n');

/**
 * @param boundary as the Content-Type states it.
 * @throws ArchiveError `archive.multipart-malformed`, `archive.part-too-large`
 */
export async function* readMultipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  limits: MultipartLimits,
): AsyncGenerator<Part> {
  const source = new DelimitedSource(body, limits.take);
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  // The first one may begin the body. What stands before it is no part (RFC 2046).
  source.unread(crlf);
  await source.until(delimiter, { bytesMax: headerBytesMax, tooLong: malformed });
  for (;;) {
    const ending = await source.until(crlf, { bytesMax: headerBytesMax, tooLong: malformed });
    if (ending.toString('latin1').startsWith('--')) return;
    if (ending.toString('latin1').trim() !== '') throw malformed();
    const headers = await readHeaders(source);
    yield { headers, takeBytes: await source.part(delimiter, limits.partBytesMax) };
  }
}

async function readHeaders(source: DelimitedSource): Promise<Map<string, string>> {
  const headers = new Map<string, string>();
  for (let bytesMax = headerBytesMax; ; ) {
    const line = (await source.until(crlf, { bytesMax, tooLong: malformed })).toString('latin1');
    if (line === '') return headers;
    bytesMax -= line.length;
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

class DelimitedSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #take: MultipartLimits['take'];
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(body: AsyncIterable<Uint8Array>, take: MultipartLimits['take']) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#take = take;
  }

  unread(bytes: Buffer): void {
    this.#rest = Buffer.concat([bytes, this.#rest]);
  }

  async part(delimiter: Buffer, bytesMax: number): Promise<() => Buffer> {
    let bytes = await this.until(delimiter, { bytesMax, tooLong });
    return () => {
      const taken = bytes;
      bytes = Buffer.alloc(0);
      return taken;
    };
  }

  /** What comes before the delimiter, which is read too. The end of the body counts as the end of the last delimiter. */
  async until(delimiter: Buffer, limit: { bytesMax: number; tooLong: () => ArchiveError }): Promise<Buffer> {
    const parts: Buffer[] = [];
    let bytes = 0;
    const keep = (part: Buffer) => {
      bytes += part.length;
      if (bytes > limit.bytesMax) throw limit.tooLong();
      if (part.length > 0) parts.push(part);
    };
    for (;;) {
      const at = this.#rest.indexOf(delimiter);
      if (at >= 0) {
        keep(this.#rest.subarray(0, at));
        this.#rest = this.#rest.subarray(at + delimiter.length);
        return parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
      }
      // The delimiter may have begun in the last bytes.
      const safe = Math.max(0, this.#rest.length - delimiter.length + 1);
      keep(this.#rest.subarray(0, safe));
      this.#rest = this.#rest.subarray(safe);
      const next = this.#ended ? undefined : await this.#next();
      if (next === undefined) return this.#atEnd(delimiter, Buffer.concat(parts, bytes));
      this.#rest = this.#rest.length === 0 ? next : Buffer.concat([this.#rest, next]);
    }
  }

  async #next(): Promise<Buffer | undefined> {
    const { done, value } = await this.#chunks.next();
    if (done === true) {
      this.#ended = true;
      return undefined;
    }
    await this.#take?.(value.length);
    return Buffer.from(value.buffer, value.byteOffset, value.length);
  }

  /** Some senders leave out the line end after the closing delimiter. */
  #atEnd(delimiter: Buffer, before: Buffer): Buffer {
    const rest = Buffer.concat([before, this.#rest]);
    if (delimiter !== crlf || !rest.toString('latin1').startsWith('--')) throw malformed();
    this.#rest = Buffer.alloc(0);
    return rest;
  }
}

/** The boundary of a `multipart/related` Content-Type; undefined if it is none. Orthanc's are longer than RFC 2046 allows. */
export function boundaryOf(contentType: string): string | undefined {
  const match = /^multipart\/related\s*;.*?\bboundary=(?:"([^"]{1,200})"|([^\s;,"]{1,200}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

function malformed(): ArchiveError {
  return new ArchiveError('archive.multipart-malformed', 'The body is not well-formed multipart/related.');
}

function tooLong(): ArchiveError {
  return new ArchiveError('archive.part-too-large', 'A part of the body is larger than this archive takes.');
}
