/**
 * HTTP requests to one coordinator, directly or through a proxy: TLS 1.3 with the project's authority as the only one
 * trusted, our certificate, an idle limit in place of time-outs, and every failure under a code.
 */
import { X509Certificate } from 'node:crypto';
import { Agent, type Dispatcher } from 'undici';
import { z } from 'zod';
import { type ChunkRequest, ChunkWire } from './chunk-wire.ts';
import { connectionError } from './connection-error.ts';
import type { Credentials } from './credentials.ts';
import { IdleWatch } from './idle-watch.ts';
import { wallClockMs } from './ports/wall-clock.ts';
import { tunnelConnector } from './proxy-tunnel.ts';
import { Refusal } from './refusal.ts';
import { TransportError } from './transport-error.ts';

export interface RequestsOptions {
  /** `https://name:port` */
  readonly origin: string;
  /** The certificate of the project's authority, PEM: nobody else is trusted. null: whoever answers is listened to. */
  readonly authority: string | null;
  /** Ours. Without them only anonymous routes answer. */
  readonly credentials?: Credentials | undefined;
  /** `http://user:password@host:port`, asked to CONNECT. */
  readonly proxy?: string | undefined;
  /** How long nothing may be heard, and no byte move, until the connection is given up. */
  readonly idleMs?: number | undefined;
  readonly nowMs?: (() => number) | undefined;
}

export interface RequestOptions {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly signal: AbortSignal;
  readonly json?: unknown;
}

/** An answer of status 200 to 299 whose body is still to come. To dispose of it early gives up the connection. */
export interface Answer extends Disposable {
  readonly body: AsyncIterable<Uint8Array>;
  readonly watch: IdleWatch;
}

const refusalSchema = z.object({ code: z.string().regex(/^[a-z]+\.[a-z0-9-]{1,100}$/), message: z.string().max(2000) });

/** Connections at a time: a line, messages, and transfers. */
const connectionsMax = 8;
const smallBytesMax = 64 * 2 ** 20;

export class Requests {
  readonly #options: RequestsOptions;
  readonly #idleMs: number;
  readonly #nowMs: () => number;
  #dispatcher: Dispatcher;
  #wire: ChunkWire;
  #notAfterMs: number;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#idleMs = options.idleMs ?? 15_000;
    this.#nowMs = options.nowMs ?? wallClockMs;
    this.#dispatcher = dispatcherFor(options, this.#idleMs);
    this.#wire = wireFor(options, this.#idleMs);
    this.#notAfterMs = notAfterMsOf(options.credentials);
  }

  /** For requests from now on. What is under way ends with the old ones. */
  replaceCredentials(credentials: Credentials): void {
    const old = this.#dispatcher;
    const options = { ...this.#options, credentials };
    this.#dispatcher = dispatcherFor(options, this.#idleMs);
    this.#wire.retire();
    this.#wire = wireFor(options, this.#idleMs);
    this.#notAfterMs = notAfterMsOf(credentials);
    void old.close();
  }

  /** @throws Refusal, TransportError; so does reading the answer's body. */
  async open(options: RequestOptions): Promise<Answer> {
    const watch = this.#watch(options.signal);
    const ownError = (error: unknown) => this.#explained(error, watch);
    try {
      const { statusCode, body } = await this.#dispatch(options, watch);
      body.on('error', () => {});
      const read = touching(body, watch, ownError);
      if (statusCode >= 300) throw refusalOf(statusCode, await textOf(read));
      const dispose = () => {
        watch[Symbol.dispose]();
        body.destroy();
      };
      return { body: read, watch, [Symbol.dispose]: dispose };
    } catch (error) {
      watch[Symbol.dispose]();
      throw ownError(error);
    }
  }

  /** Moves the bytes of a chunk. @returns how many of `into` were filled. @throws Refusal, TransportError */
  async moveChunk(request: ChunkRequest, signal: AbortSignal): Promise<number> {
    using watch = this.#watch(signal);
    try {
      const { status, body } = await this.#wire.ask(request, watch);
      if (status >= 300) throw refusalOf(status, Buffer.from(body).toString());
      return body.length;
    } catch (error) {
      throw this.#explained(error, watch);
    }
  }

  async askJson(options: RequestOptions): Promise<unknown> {
    using answer = await this.open(options);
    return parseJson(await textOf(answer.body));
  }

  close(): Promise<void> {
    this.#wire.close();
    return this.#dispatcher.destroy();
  }

  #watch(signal: AbortSignal): IdleWatch {
    signal.throwIfAborted();
    this.#checkExpiry();
    return new IdleWatch({ idleMs: this.#idleMs, signal, what: this.#options.origin });
  }

  #explained(error: unknown, watch: IdleWatch): unknown {
    if (error instanceof Refusal || error instanceof TransportError) return error;
    return watch.signal.aborted ? watch.signal.reason : connectionError(error, this.#places);
  }

  get #places() {
    const { origin, proxy } = this.#options;
    return { origin, proxy: proxy === undefined ? undefined : new URL(proxy).host };
  }

  /** The coordinator would only cut the connection. */
  #checkExpiry(): void {
    if (this.#nowMs() <= this.#notAfterMs) return;
    const text = `This machine's certificate expired on ${new Date(this.#notAfterMs).toISOString()}. Join the project again.`;
    throw new TransportError('transport.certificate-expired', text);
  }

  #dispatch({ method, path, json }: RequestOptions, watch: IdleWatch): Promise<Dispatcher.ResponseData> {
    const headers = { 'content-type': 'application/json' };
    return this.#dispatcher.request({
      origin: this.#options.origin,
      method,
      path,
      signal: watch.signal,
      onInfo: () => watch.touch(),
      ...(json === undefined ? {} : { headers, body: JSON.stringify(json) }),
    });
  }
}

function wireFor(options: RequestsOptions, idleMs: number): ChunkWire {
  const { origin, proxy, nowMs = wallClockMs } = options;
  return new ChunkWire({ origin, proxy, idleMs, nowMs, tls: tlsOf(options) });
}

function dispatcherFor(options: RequestsOptions, idleMs: number): Dispatcher {
  const tls = { ...tlsOf(options), timeout: idleMs };
  // Idle limits are ours to keep: a transfer that advances takes as long as it takes.
  const common = { connections: connectionsMax, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 };
  const { proxy } = options;
  if (proxy === undefined) return new Agent({ ...common, connect: tls });
  return new Agent({ ...common, connect: tunnelConnector({ proxy, tls, idleMs }) });
}

function tlsOf({ authority, credentials }: RequestsOptions) {
  return {
    ...(authority === null ? { rejectUnauthorized: false } : { ca: authority }),
    minVersion: 'TLSv1.3' as const,
    ...(credentials === undefined ? {} : { cert: credentials.certificate, key: credentials.key }),
  };
}

function notAfterMsOf(credentials: Credentials | undefined): number {
  if (credentials === undefined) return Number.POSITIVE_INFINITY;
  return new X509Certificate(credentials.certificate).validToDate.getTime();
}

async function* touching(
  body: AsyncIterable<Uint8Array>,
  watch: IdleWatch,
  explain: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  watch.touch();
  try {
    for await (const part of body) {
      watch.touch();
      yield part;
    }
  } catch (error) {
    throw explain(error);
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes > smallBytesMax) throw malformed('it is too large');
  }
  return Buffer.concat(parts).toString();
}

function refusalOf(status: number, text: string): Error {
  const parsed = refusalSchema.safeParse(parseJson(text));
  if (!parsed.success) return malformed(`its status is ${status}`);
  const { code, message } = parsed.data;
  if (status < 500) return new Refusal(status, code, message);
  return new TransportError('transport.other-side-failed', `The coordinator failed (${code}): ${message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('it is no JSON');
  }
}

function malformed(reason: string): TransportError {
  const text = `The answer is not a coordinator's: ${reason}. Check the address, and what stands in between.`;
  return new TransportError('transport.answer-malformed', text);
}
