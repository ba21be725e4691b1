/** Chunks read for sending: each once for all who want it at the same time, and only so many in memory. */
import type { BlobStore } from '@consilium/federation';
import type { ChunkId } from '@consilium/protocol';
import { type ChunkBuffer, ChunkBuffers } from './chunk-buffers.ts';

export interface ChunkLoan extends Disposable {
  readonly bytes: Uint8Array;
}

interface LentChunk {
  readonly buffer: Promise<ChunkBuffer>;
  readonly bytes: Promise<Uint8Array>;
  borrowers: number;
}

export class ChunkLoans {
  readonly #store: BlobStore;
  readonly #buffers: ChunkBuffers;
  readonly #lent = new Map<ChunkId, LentChunk>();

  constructor(store: BlobStore, chunksMax: number) {
    this.#store = store;
    this.#buffers = new ChunkBuffers(chunksMax);
  }

  async borrow(id: ChunkId): Promise<ChunkLoan> {
    const lent = this.#lent.get(id) ?? this.#lend(id);
    this.#lent.set(id, lent);
    lent.borrowers++;
    try {
      const bytes = await lent.bytes;
      let isBorrowed = true;
      return {
        bytes,
        [Symbol.dispose]: () => {
          if (isBorrowed) this.#giveBack(id, lent);
          isBorrowed = false;
        },
      };
    } catch (error) {
      this.#giveBack(id, lent);
      throw error;
    }
  }

  #lend(id: ChunkId): LentChunk {
    const buffer = this.#buffers.take();
    return { buffer, bytes: buffer.then(({ bytes }) => this.#store.getChunk(id, bytes)), borrowers: 0 };
  }

  #giveBack(id: ChunkId, lent: LentChunk): void {
    lent.borrowers--;
    if (lent.borrowers > 0) return;
    this.#lent.delete(id);
    void lent.buffer.then((buffer) => buffer[Symbol.dispose]());
  }
}
