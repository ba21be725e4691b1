/** A remote archive asked by DICOMweb: QIDO-RS to search, WADO-RS to fetch, STOW-RS to send (PS3.18). */
import { randomUUID } from 'node:crypto';
import { Agent, type Dispatcher, errors, request } from 'undici';
import { ArchiveError } from '../archive-error.ts';
import type { JsonDataset } from './dicom-json.ts';
import { boundaryOf, readMultipart } from './multipart-reader.ts';
import { writeMultipart } from './multipart-writer.ts';

export interface DicomwebRemote {
  /** Of its DICOMweb root, as https://pacs.example.org/dicom-web */
  readonly url: string;
  readonly authorization?:
    | { readonly kind: 'bearer'; readonly token: string }
    | { readonly kind: 'basic'; readonly user: string; readonly password: string }
    | undefined;
  /** PEM; without, the machine's authorities are believed. */
  readonly authority?: string | undefined;
  readonly connectMs?: number;
  readonly idleMs?: number;
  readonly instanceBytesMax?: number;
}

/** Of an answer in JSON. */
const jsonBytesMax = 256 * 2 ** 20;
/** Asked for at once; servers may give fewer. */
const pageSize = 1000;

export class DicomwebClient implements AsyncDisposable {
  readonly #remote: DicomwebRemote;
  readonly #agent: Agent;

  constructor(remote: DicomwebRemote) {
    this.#remote = remote;
    const { authority, connectMs = 20_000, idleMs = 300_000 } = remote;
    const connect = { timeout: connectMs, ...(authority === undefined ? {} : { ca: authority }) };
    this.#agent = new Agent({ connect, headersTimeout: idleMs, bodyTimeout: idleMs, connections: 8 });
  }

  /**
   * All matches, page by page.
   * @param path as `/studies`, with UIDs in it.
   * @throws ArchiveError `archive.dicomweb-*`
   */
  async *search(
    path: string,
    parameters: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): AsyncGenerator<JsonDataset> {
    for (let offset = 0; ; ) {
      const query = new URLSearchParams({ ...parameters, limit: String(pageSize), offset: String(offset) });
      const page = await this.#page(`${path}?${query}`, signal);
      yield* page.matches;
      offset += page.matches.length;
      if (page.matches.length === 0 || (page.matches.length < pageSize && !page.isCut)) return;
    }
  }

  /** The files (PS3.10) at an address, in the transfer syntaxes in which they are stored. @throws ArchiveError `archive.dicomweb-*` */
  async *retrieve(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const accept = 'multipart/related; type="application/dicom"; transfer-syntax=*';
    const { body, headers } = await this.#request(path, { headers: { accept }, signal });
    const boundary = boundaryOf(headerOf(headers, 'content-type'));
    if (boundary === undefined) {
      discard(body);
      throw malformed();
    }
    const { instanceBytesMax: partBytesMax = 2 ** 31 } = this.#remote;
    const parts = readMultipart(body, boundary, { partBytesMax });
    try {
      for await (const { takeBytes } of parts) yield takeBytes();
    } catch (error) {
      if (error instanceof ArchiveError && error.code !== 'archive.multipart-malformed') throw error;
      throw failureOf(error, malformed());
    } finally {
      discard(body);
    }
  }

  /**
   * Sends files (PS3.10).
   * @returns the answer's data set: of each instance what became of it (PS3.18 10.5.3).
   * @throws ArchiveError `archive.dicomweb-*`
   */
  async store(files: readonly Uint8Array[], signal?: AbortSignal): Promise<JsonDataset> {
    const boundary = randomUUID();
    const parts = (async function* () {
      for (const bytes of files) yield { contentType: 'application/dicom', bytes };
    })();
    const contentType = `multipart/related; type="application/dicom"; boundary=${boundary}`;
    const headers = { accept: 'application/dicom+json', 'content-type': contentType };
    const body = writeMultipart(parts, boundary);
    const response = await this.#request('/studies', { method: 'POST', headers, body, signal, mayConflict: true });
    return (await jsonOf(response)) as JsonDataset;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #page(path: string, signal: AbortSignal | undefined): Promise<{ matches: JsonDataset[]; isCut: boolean }> {
    const response = await this.#request(path, { headers: { accept: 'application/dicom+json' }, signal });
    const matches = response.statusCode === 204 ? [] : await jsonOf(response);
    if (response.statusCode === 204) discard(response.body);
    if (!Array.isArray(matches)) throw malformed();
    return { matches, isCut: headerOf(response.headers, 'warning').includes('299') };
  }

  async #request(
    path: string,
    options: {
      readonly method?: 'GET' | 'POST';
      readonly headers: Record<string, string>;
      readonly body?: AsyncIterable<Uint8Array>;
      readonly signal: AbortSignal | undefined;
      /** 409 has an answer too. */
      readonly mayConflict?: boolean;
    },
  ): Promise<Dispatcher.ResponseData> {
    const { body, headers, mayConflict = false, method = 'GET', signal } = options;
    const { authorization, url } = this.#remote;
    let response: Dispatcher.ResponseData;
    try {
      // Not redirected: the token is for this address.
      response = await request(url.replace(/\/+$/, '') + path, {
        ...{ method, dispatcher: this.#agent, signal: signal ?? null },
        headers: { ...headers, ...(authorization === undefined ? {} : { authorization: headerFor(authorization) }) },
        ...(body === undefined ? {} : { body: body as unknown as NonNullable<Dispatcher.DispatchOptions['body']> }),
      });
    } catch (error) {
      throw failureOf(error, unreachable(error));
    }
    const { statusCode } = response;
    if ((statusCode >= 200 && statusCode < 300) || (mayConflict && statusCode === 409)) return response;
    discard(response.body);
    if (statusCode === 401 || statusCode === 403) {
      throw new ArchiveError(
        'archive.dicomweb-refused',
        `The remote archive does not let us in: status ${statusCode}.`,
      );
    }
    throw new ArchiveError('archive.dicomweb-failed', `The remote archive answered with status ${statusCode}.`);
  }
}

async function jsonOf({ body }: Dispatcher.ResponseData): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > jsonBytesMax) throw malformed();
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw failureOf(error, malformed());
  } finally {
    discard(body);
  }
}

/** What is left of it is not read, and not missed. */
function discard(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => {});
  body.destroy();
}

function headerFor(authorization: NonNullable<DicomwebRemote['authorization']>): string {
  if (authorization.kind === 'bearer') return `Bearer ${authorization.token}`;
  const { password, user } = authorization;
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function headerOf(headers: Dispatcher.ResponseData['headers'], name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** What undici says, in our words; a cancellation is that, and no failure of the other side. */
function failureOf(error: unknown, otherwise: ArchiveError): unknown {
  if (error instanceof ArchiveError) return error;
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return new ArchiveError('archive.dicomweb-silent', 'The remote archive was silent for too long.');
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return new ArchiveError('archive.pull-cancelled', 'The retrieval was cancelled.');
  }
  return otherwise;
}

function unreachable(cause: unknown): ArchiveError {
  return new ArchiveError('archive.dicomweb-unreachable', 'The remote archive cannot be reached.', { cause });
}

function malformed(): ArchiveError {
  return new ArchiveError(
    'archive.dicomweb-malformed',
    'The remote archive answers with something that is not DICOMweb.',
  );
}
