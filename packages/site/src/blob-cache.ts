/** The blobs that a worker was sent last: the forward graph and the newest weights. Others are asked for again. */
import type { BlobId } from '@consilium/protocol';
import { SiteError } from './site-error.ts';

interface WantedBlob extends PromiseWithResolvers<Uint8Array> {
  readonly chunks: Uint8Array[];
}

export class BlobCache {
  readonly #kept = new Map<BlobId, Uint8Array>();
  readonly #wanted = new Map<BlobId, WantedBlob>();
  readonly #ask: (blob: BlobId) => void;
  readonly #keep: number;

  constructor({ ask, keep }: { ask: (blob: BlobId) => void; keep: number }) {
    this.#ask = ask;
    this.#keep = keep;
  }

  async get(blob: BlobId): Promise<Uint8Array> {
    const kept = this.#kept.get(blob);
    if (kept !== undefined) {
      this.#kept.delete(blob);
      this.#kept.set(blob, kept);
      return kept;
    }
    let wanted = this.#wanted.get(blob);
    if (wanted === undefined) {
      wanted = { ...Promise.withResolvers<Uint8Array>(), chunks: [] };
      this.#wanted.set(blob, wanted);
      this.#ask(blob);
    }
    return wanted.promise;
  }

  arrived(blob: BlobId, bytes: Uint8Array, isLast: boolean): void {
    const wanted = this.#wanted.get(blob);
    wanted?.chunks.push(bytes);
    if (wanted === undefined || !isLast) return;
    const whole = wanted.chunks.length === 1 ? bytes : joined(wanted.chunks);
    this.#wanted.delete(blob);
    this.#kept.set(blob, whole);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#keep && oldest !== undefined) this.#kept.delete(oldest);
    wanted.resolve(whole);
  }

  missing(blob: BlobId): void {
    this.#wanted
      .get(blob)
      ?.reject(new SiteError('site.blob-missing', 'The coordinator does not have the weights or model of the task.'));
    this.#wanted.delete(blob);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}
