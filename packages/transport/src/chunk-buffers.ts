/** Memory for so many chunks, used over and over: what is left to the garbage collector is there for longer than used. */
import { chunkBytes } from '@consilium/protocol';
import { Slots } from './slots.ts';

export interface ChunkBuffer extends Disposable {
  /** `chunkBytes` long. What it held before may still be in it. */
  readonly bytes: Uint8Array;
}

export class ChunkBuffers {
  readonly #slots: Slots;
  readonly #spare: Uint8Array[] = [];

  constructor(count: number) {
    this.#slots = new Slots(count);
  }

  /** Waits until one is free. */
  async take(): Promise<ChunkBuffer> {
    const slot = await this.#slots.take();
    const bytes = this.#spare.pop() ?? new Uint8Array(chunkBytes);
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
