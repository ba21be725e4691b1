/**
 * Connections that carry chunks: HTTP/1.1 as our coordinator speaks it, over TLS, one request at a time on each. What
 * arrives goes straight into the memory of a chunk. A general client makes an object of every 16 KiB, and collecting
 * those takes longer than all else that is done to a chunk: docs/decisions/0008-cost-of-a-round.md.
 */
import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { IdleWatch } from './idle-watch.ts';
import { openTunnel } from './proxy-tunnel.ts';
import { sliced } from './slice.ts';
import { TransportError } from './transport-error.ts';
import { collectAfter } from './young-garbage.ts';

export interface ChunkRequest {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly send?: Uint8Array;
  /** Where the body of the answer goes; default: it has none. */
  readonly into?: Uint8Array;
}

export interface ChunkAnswer {
  readonly status: number;
  /** Of the body: the bytes of `into`; of an answer that says no, its text. */
  readonly body: Uint8Array;
}

export interface ChunkWireOptions {
  /** `https://name:port` */
  readonly origin: string;
  readonly proxy?: string | undefined;
  readonly idleMs: number;
  readonly nowMs: () => number;
  readonly tls: ConnectionOptions;
}

/** The coordinator leaves a connection alone for twice as long. */
const spareMsMax = 30_000;
const readBytes = 2 ** 18;
const headBytesMax = 2 ** 14;
const refusalBytesMax = 2 ** 16;

export class ChunkWire {
  readonly #options: ChunkWireOptions;
  readonly #open = new Set<ChunkConnection>();
  #spare: { readonly connection: ChunkConnection; readonly sinceMs: number }[] = [];
  #isRetired = false;

  constructor(options: ChunkWireOptions) {
    this.#options = options;
  }

  /** Rejects with the watch's reason, a TransportError, or an error of the connection. */
  async ask(request: ChunkRequest, watch: IdleWatch): Promise<ChunkAnswer> {
    const connection = this.#takeSpare() ?? (await this.#connect(watch));
    const answer = await connection.ask(request, watch);
    if (!this.#isRetired && connection.isReusable) this.#spare.push({ connection, sinceMs: this.#options.nowMs() });
    else connection.destroy();
    return answer;
  }

  /** What is under way goes on; nothing begins any more. */
  retire(): void {
    this.#isRetired = true;
    for (const { connection } of this.#spare) connection.destroy();
  }

  close(): void {
    for (const connection of this.#open) connection.destroy(new Error('closed'));
  }

  #takeSpare(): ChunkConnection | undefined {
    const youngestMs = this.#options.nowMs() - spareMsMax;
    for (let spare = this.#spare.pop(); spare !== undefined; spare = this.#spare.pop()) {
      if (spare.sinceMs >= youngestMs && spare.connection.isReusable) return spare.connection;
      spare.connection.destroy();
    }
    return undefined;
  }

  async #connect(watch: IdleWatch): Promise<ChunkConnection> {
    const connection = await ChunkConnection.open(this.#options, watch);
    this.#open.add(connection);
    void connection.closed.then(() => this.#open.delete(connection));
    return connection;
  }
}

interface Pending {
  readonly into: Uint8Array | undefined;
  readonly watch: IdleWatch;
  readonly resolve: (answer: ChunkAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** The answer that is being read: its head, then so many bytes of its body. */
type Reading =
  | { readonly kind: 'head'; text: string }
  | { readonly kind: 'body'; readonly status: number; readonly body: Uint8Array; filled: number };

class ChunkConnection {
  readonly closed: Promise<void>;
  readonly #socket: TLSSocket;
  readonly #host: string;
  #pending: Pending | null = null;
  #reading: Reading = { kind: 'head', text: '' };
  #isSending = false;
  #isKept = true;

  private constructor({ origin, tls }: ChunkWireOptions, tunnel: Socket | undefined) {
    const { hostname, port, host } = new URL(origin);
    this.#host = host;
    const name = hostname.replace(/^\[|\]$/g, '');
    const servername = /^[\d.]+$|:/.test(name) ? {} : { servername: name };
    const buffer = new Uint8Array(readBytes);
    const callback = (length: number, bytes: Uint8Array): boolean => {
      this.#receive(bytes.subarray(0, length));
      return true;
    };
    const to =
      tunnel === undefined
        ? { host: name, port: Number(port || 443), onread: { buffer, callback } }
        : { socket: tunnel, host: name }; // whose name the certificate has to bear
    this.#socket = connect({ ...tls, ...servername, ...to, ALPNProtocols: ['http/1.1'] } as ConnectionOptions);
    this.#socket.setNoDelay(true);
    // A socket in a tunnel takes no buffer of ours.
    if (tunnel !== undefined) {
      this.#socket.on('data', (bytes: Uint8Array) => {
        this.#receive(bytes);
        collectAfter(bytes.length);
      });
    }
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('end', () => this.destroy());
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#fail(Object.assign(new Error('closed by the other side'), { code: 'ECONNRESET' }));
        resolve();
      });
    });
  }

  static async open(options: ChunkWireOptions, watch: IdleWatch): Promise<ChunkConnection> {
    const { proxy, idleMs, origin } = options;
    const { hostname, port } = new URL(origin);
    const tunnel =
      proxy === undefined ? undefined : await openTunnel({ proxy, idleMs, to: `${hostname}:${port || 443}` });
    if (watch.signal.aborted) tunnel?.destroy();
    watch.signal.throwIfAborted();
    return new ChunkConnection(options, tunnel);
  }

  /** Whether another request may follow the last. */
  get isReusable(): boolean {
    return this.#isKept && !this.#isSending && this.#pending === null && !this.#socket.destroyed;
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  async ask({ method, path, send, into }: ChunkRequest, watch: IdleWatch): Promise<ChunkAnswer> {
    const giveUp = (): void => this.destroy(watch.signal.reason as Error);
    watch.signal.addEventListener('abort', giveUp, { once: true });
    this.#socket.ref();
    try {
      const { promise, resolve, reject } = Promise.withResolvers<ChunkAnswer>();
      this.#pending = { into, watch, resolve, reject };
      this.#reading = { kind: 'head', text: '' };
      const body = `content-type: application/octet-stream\r\ncontent-length: ${send?.length}\r\n`;
      this.#socket.write(`${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n${send === undefined ? '' : body}\r\n`);
      const sending = send === undefined ? undefined : this.#send(send, watch);
      const answer = await promise;
      if (answer.status < 300) await sending;
      return answer;
    } finally {
      watch.signal.removeEventListener('abort', giveUp);
      this.#socket.unref();
      // What is left to send after an answer that came early would be taken for the next request.
      if (this.#isSending) this.destroy();
    }
  }

  /** Each piece counts as a sign of life when it is on its way. */
  async #send(bytes: Uint8Array, watch: IdleWatch): Promise<void> {
    this.#isSending = true;
    for (const piece of sliced(bytes)) {
      const error = await new Promise<Error | null | undefined>((resolve) => this.#socket.write(piece, resolve));
      if (error != null) return; // its `close` tells whoever waits
      watch.touch();
    }
    this.#isSending = false;
  }

  #receive(bytes: Uint8Array): void {
    this.#pending?.watch.touch();
    try {
      for (let rest = bytes; rest.length > 0; ) rest = this.#pending === null ? none(rest) : this.#read(rest);
    } catch (error) {
      this.#fail(error);
      this.destroy();
    }
  }

  /** Takes what belongs to the answer; gives back the rest. */
  #read(bytes: Uint8Array): Uint8Array {
    const reading = this.#reading;
    if (reading.kind === 'head') {
      const before = reading.text.length;
      reading.text += Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, headBytesMax)).toString(
        'latin1',
      );
      const end = reading.text.indexOf('\r\n\r\n');
      if (end < 0 && reading.text.length > headBytesMax) throw malformed('its head does not end');
      if (end < 0) return bytes.subarray(bytes.length);
      this.#begin(reading.text.slice(0, end));
      return bytes.subarray(end + 4 - before);
    }
    const taken = bytes.subarray(0, reading.body.length - reading.filled);
    reading.body.set(taken, reading.filled);
    reading.filled += taken.length;
    if (reading.filled === reading.body.length) this.#finish(reading);
    return bytes.subarray(taken.length);
  }

  #begin(head: string): void {
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw malformed('it is no HTTP');
    if (status < 200) {
      this.#reading = { kind: 'head', text: '' };
      return;
    }
    const length = status === 204 ? '0' : /\r\ncontent-length: *(\d+) *(?:\r\n|$)/i.exec(head)?.[1];
    if (length === undefined) throw malformed('it does not say how long it is');
    if (/\r\nconnection: *close/i.test(head)) this.#isKept = false;
    const { into } = this.#pending!;
    const bytes = Number(length);
    const longest = status < 300 ? (into?.length ?? 0) : refusalBytesMax;
    if (bytes > longest) throw malformed('it is longer than it may be');
    const body = status < 300 && into !== undefined ? into.subarray(0, bytes) : new Uint8Array(bytes);
    this.#reading = { kind: 'body', status, body, filled: 0 };
    if (bytes === 0) this.#finish(this.#reading);
  }

  #finish({ status, body }: Extract<Reading, { kind: 'body' }>): void {
    const pending = this.#pending;
    this.#pending = null;
    pending?.resolve({ status, body });
  }

  #fail(error: unknown): void {
    const pending = this.#pending;
    this.#pending = null;
    pending?.reject(error);
  }
}

function none(_: Uint8Array): never {
  throw malformed('it answers what was not asked');
}

function malformed(reason: string): TransportError {
  return new TransportError('transport.answer-malformed', `The answer is not a coordinator's: ${reason}.`);
}
