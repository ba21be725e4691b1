/**
 * A form as MONAI Label's clients send it, its files streamed to the disk: nothing is done with it before all of it is there.
 * Browsers, and Python's `requests`, say the boundary as RFC 7578 wants it; MONAI Label's own client may repeat the one of an
 * earlier request, so the body's first line is believed before the header.
 */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ArchiveError, makeDirectory } from '@consilium/archive';
import { Busboy } from '@fastify/busboy';
import { malformed } from './malformed-request.ts';

export interface UploadedFile {
  /** Of the form. */
  readonly field: string;
  /** As its sender calls it, without any folder: may name a patient. */
  readonly name: string;
  readonly path: string;
}

export interface FormLimits {
  readonly fileBytesMax: number;
  readonly filesMax: number;
}

const fieldBytesMax = 4 * 2 ** 20;
const fieldsMax = 32;
/** A sender that is silent for longer is let go. */
const idleMs = 120_000;
const firstLineBytesMax = 256;

export class UploadedForm implements AsyncDisposable {
  readonly fields: ReadonlyMap<string, string>;
  readonly files: readonly UploadedFile[];
  readonly #directory: string | undefined;

  private constructor(
    directory: string | undefined,
    fields: ReadonlyMap<string, string>,
    files: readonly UploadedFile[],
  ) {
    this.#directory = directory;
    this.fields = fields;
    this.files = files;
  }

  /**
   * @param parent where a folder of its own is made, which is removed with the form.
   * @throws ReadingError `reading.request-malformed`, `reading.upload-too-large`; ArchiveError `archive.disk-full`
   */
  static async read(message: IncomingMessage, parent: string, limits: FormLimits): Promise<UploadedForm> {
    const directory = join(parent, randomUUID());
    await makeDirectory(directory, 0o700);
    try {
      message.socket.setTimeout(idleMs, () => message.destroy());
      const { fields, files } = await received(message, directory, limits);
      return new UploadedForm(directory, fields, files);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    } finally {
      message.socket.setTimeout(0);
    }
  }

  /** Without files. */
  static of(fields: ReadonlyMap<string, string>): UploadedForm {
    return new UploadedForm(undefined, fields, []);
  }

  file(field: string): UploadedFile | undefined {
    return this.files.find((one) => one.field === field);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }
}

interface Received {
  readonly fields: Map<string, string>;
  readonly files: UploadedFile[];
}

async function received(message: IncomingMessage, directory: string, limits: FormLimits): Promise<Received> {
  const declared = /^multipart\/form-data\s*;(?:.*;)?\s*boundary="?([^";]+)"?/i.exec(
    message.headers['content-type'] ?? '',
  )?.[1];
  if (declared === undefined) throw malformed('body', 'must be a form with files (multipart/form-data)');
  const { boundary, chunks } = await withBoundary(message, declared);
  const parser = new Busboy({
    headers: { 'content-type': `multipart/form-data; boundary="${boundary}"` },
    limits: { fieldSize: fieldBytesMax, fields: fieldsMax, files: limits.filesMax, fileSize: limits.fileBytesMax },
  });
  const whole: Received = { fields: new Map(), files: [] };
  const writing: Promise<void>[] = [];
  const streams: Readable[] = [];
  let fault: Error | undefined;
  const refuse = (error: Error): void => {
    fault ??= error;
    parser.destroy(error);
  };
  parser.on('field', (name, value, _nameCut, isCut) => {
    if (isCut) refuse(tooLarge());
    else whole.fields.set(name, value);
  });
  for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) parser.on(event, () => refuse(tooLarge()));
  parser.on('file', (field, stream, name) => {
    const path = join(directory, String(whole.files.length));
    whole.files.push({ field, name: basename((name ?? '').replaceAll('\\', '/')), path });
    streams.push(stream);
    stream.on('limit', () => refuse(tooLarge()));
    const written = pipeline(stream, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
    written.catch(refuse);
    writing.push(written);
  });
  try {
    await pipeline(chunks, parser);
    await Promise.all(writing);
  } catch (error) {
    for (const stream of streams) stream.destroy();
    await Promise.allSettled(writing);
    throw uploadError(fault ?? (error as Error));
  }
  if (fault !== undefined) throw uploadError(fault);
  return whole;
}

/** Whatever follows the body's first line if that is a boundary; else what the header says. */
async function withBoundary(
  message: IncomingMessage,
  declared: string,
): Promise<{ readonly boundary: string; readonly chunks: Readable }> {
  const iterator = message[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (!head.includes('\n') && head.length < firstLineBytesMax) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  const first = /^--([^\r\n]{1,200})\r?\n/.exec(head.toString('latin1'))?.[1]?.trimEnd();
  const chunks = Readable.from(
    (async function* () {
      yield head;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    })(),
  );
  // A form without any part is its end only.
  return { boundary: first === undefined || first === `${declared}--` ? declared : first, chunks };
}

function tooLarge(): Error {
  return malformed('body', 'is larger than is taken', 'reading.upload-too-large');
}

function uploadError(error: Error): Error {
  const { code } = error as { code?: unknown };
  if (code === 'ENOSPC') return new ArchiveError('archive.disk-full', 'The disk is full.', { cause: error });
  if (typeof code === 'string' && /^(?:reading|archive)\./.test(code)) return error;
  return malformed('body', 'is no form, or ended too early');
}
