/** Memory for so many chunks, used over and over: what is left to the garbage collector is there for longer than used. */
import { Slots } from '@consilium/federation';
import { chunkBytes } from '@consilium/protocol';

export interface ChunkBuffer extends Disposable {
  /** What it held before may still be in it. */
  readonly bytes: Uint8Array;
}

/** The last chunk of a large blob leaves room for a whole one to follow. */
function roomFor(bytes: number): number {
  return bytes > chunkBytes / 2 ? chunkBytes : bytes;
}

export class ChunkBuffers {
  readonly #slots: Slots;
  readonly #spare: Uint8Array[] = [];

  constructor(count: number) {
    this.#slots = new Slots(count);
  }

  /** Waits until one is free. `bytes`: at most those of a chunk. */
  async take(bytes: number = chunkBytes): Promise<ChunkBuffer> {
    const slot = await this.#slots.take();
    const spare = this.#spare.pop();
    const memory = spare !== undefined && spare.length >= bytes ? spare : new Uint8Array(roomFor(bytes));
    let isTaken = true;
    return {
      bytes: memory.subarray(0, bytes),
      [Symbol.dispose]: () => {
        if (isTaken) this.#spare.push(memory);
        isTaken = false;
        slot[Symbol.dispose]();
      },
    };
  }
}
