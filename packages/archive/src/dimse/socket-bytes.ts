/**
 * The bytes of a connection, asked for as they are needed: what is not asked for stays with the sender, so that memory
 * does not grow with what a peer sends. Every wait ends after `idleMs` without a byte.
 */
import type { Socket } from 'node:net';
import { ArchiveError } from '../archive-error.ts';

/** Read ahead of what is asked for. */
const aheadBytesMax = 256 * 1024;

export class SocketBytes {
  readonly #socket: Socket;
  readonly #idleMs: number;
  #chunks: Buffer[] = [];
  #held = 0;
  #failure: ArchiveError | undefined;
  /** Whoever waits: one that reads, and perhaps one that writes. */
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket, { idleMs }: { idleMs: number }) {
    this.#socket = socket;
    this.#idleMs = idleMs;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#held += chunk.length;
      if (this.#held >= aheadBytesMax) socket.pause();
      this.#wake();
    });
    socket.on('drain', () => this.#wake());
    socket.on('end', () => this.#fail(closed()));
    socket.on('close', () => this.#fail(closed()));
    socket.on('error', (cause) => this.#fail(closed(cause)));
    socket.on('timeout', () => {
      this.#fail(new ArchiveError('archive.dimse-silent', 'The other side of an association was silent for too long.'));
      socket.destroy();
    });
  }

  /** At least one byte and at most `count`, not copied. @throws ArchiveError `archive.dimse-closed`, `archive.dimse-silent` */
  async atMost(count: number): Promise<Buffer> {
    while (this.#held === 0) await this.#wait();
    const first = this.#chunks[0]!;
    const taken = first.length <= count ? first : first.subarray(0, count);
    if (taken === first) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    this.#held -= taken.length;
    if (this.#held < aheadBytesMax) this.#socket.resume();
    return taken;
  }

  /** Exactly `count` bytes. The caller has bounded `count`. */
  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const part = await this.atMost(missing);
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts, count);
  }

  /** Resolves when the connection takes more. @throws as `atMost` */
  async write(...parts: readonly Uint8Array[]): Promise<void> {
    if (!this.#socket.writable) throw this.#failure ?? closed();
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part);
    this.#socket.uncork();
    while (this.#socket.writableNeedDrain) await this.#wait();
  }

  async #wait(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#socket.setTimeout(this.#idleMs);
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
    });
    // Time that we take ourselves is not the peer's silence.
    if (this.#waiting.size === 0) this.#socket.setTimeout(0);
  }

  #wake(): void {
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of woken) resolve();
  }

  #fail(failure: ArchiveError): void {
    this.#failure ??= failure;
    this.#wake();
  }
}

function closed(cause?: unknown): ArchiveError {
  const message = 'The other side of an association closed the connection.';
  return new ArchiveError('archive.dimse-closed', message, cause === undefined ? {} : { cause });
}
