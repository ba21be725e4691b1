/** The blobs that a site was sent last: the forward graph and the newest weights. Others are asked for again. */
import { createHash } from 'node:crypto';
import type { Sha256 } from '@consilium/protocol';
import { SiteError } from './site-error.ts';

export class BlobCache {
  readonly #kept = new Map<Sha256, Uint8Array>();
  readonly #wanted = new Map<Sha256, PromiseWithResolvers<Uint8Array>>();
  readonly #ask: (sha256: Sha256) => void;
  readonly #keep: number;

  constructor({ ask, keep }: { ask: (sha256: Sha256) => void; keep: number }) {
    this.#ask = ask;
    this.#keep = keep;
  }

  async get(sha256: Sha256): Promise<Uint8Array> {
    const kept = this.#kept.get(sha256);
    if (kept !== undefined) {
      this.#kept.delete(sha256);
      this.#kept.set(sha256, kept);
      return kept;
    }
    let wanted = this.#wanted.get(sha256);
    if (wanted === undefined) {
      wanted = Promise.withResolvers();
      this.#wanted.set(sha256, wanted);
      this.#ask(sha256);
    }
    return wanted.promise;
  }

  /** A blob has come. What does not match its name is as good as missing. */
  arrived(named: Sha256, bytes: Uint8Array): void {
    if (createHash('sha256').update(bytes).digest('hex') !== named) {
      this.missing(named);
      return;
    }
    this.#kept.set(named, bytes);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#keep && oldest !== undefined) this.#kept.delete(oldest);
    this.#wanted.get(named)?.resolve(bytes);
    this.#wanted.delete(named);
  }

  missing(sha256: Sha256): void {
    this.#wanted
      .get(sha256)
      ?.reject(new SiteError('site.blob-missing', 'The coordinator does not have the weights or model of the task.'));
    this.#wanted.delete(sha256);
  }
}
