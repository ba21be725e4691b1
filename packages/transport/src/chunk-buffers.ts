/** Memory for so many chunks, used over and over: what is left to the garbage collector is there for longer than used. */
import { Slots } from '@consilium/federation';
import { chunkBytes } from '@consilium/protocol';

export interface ChunkBuffer extends Disposable {
  /** What it held before may still be in it. */
  readonly bytes: Uint8Array;
}

export class ChunkBuffers {
  readonly #slots: Slots;
  readonly #bytes: number;
  readonly #spare: Uint8Array[] = [];

  /** `bytes`: of each; less than a chunk where all are of a small blob. */
  constructor(count: number, bytes: number = chunkBytes) {
    this.#slots = new Slots(count);
    this.#bytes = Math.min(bytes, chunkBytes);
  }

  /** Waits until one is free. */
  async take(): Promise<ChunkBuffer> {
    const slot = await this.#slots.take();
    const bytes = this.#spare.pop() ?? new Uint8Array(this.#bytes);
    let isTaken = true;
    return {
      bytes,
      [Symbol.dispose]: () => {
        if (isTaken) this.#spare.push(bytes);
        isTaken = false;
        slot[Symbol.dispose]();
      },
    };
  }
}
