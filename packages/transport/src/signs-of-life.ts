/**
 * Tells the other side, by HTTP's 102, that its request advances: bytes of it have arrived, or it is its turn soon. So
 * it need not guess from full socket buffers, and the same idle limit serves slow lines and fast ones.
 */
import type { ServerResponse } from 'node:http';

export class SignsOfLife implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #hasAdvanced = false;
  #ownWork = 0;

  constructor(response: ServerResponse, everyMs: number) {
    this.#timer = setInterval(() => {
      const advances = this.#hasAdvanced || this.#ownWork > 0;
      if (advances && !response.headersSent && !response.destroyed) response.writeProcessing();
      this.#hasAdvanced = false;
    }, everyMs);
  }

  advance(): void {
    this.#hasAdvanced = true;
  }

  /** While `work`, our own, is under way, the request advances. */
  async during<Result>(work: Promise<Result>): Promise<Result> {
    this.#ownWork++;
    try {
      return await work;
    } finally {
      this.#ownWork--;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
