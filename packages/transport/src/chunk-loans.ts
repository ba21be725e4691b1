/** Chunks read for sending: each once for all who want it at the same time, and only so many in memory. */
import type { BlobStore } from '@consilium/federation';
import type { ChunkId } from '@consilium/protocol';
import { Slots } from './slots.ts';

export interface ChunkLoan extends Disposable {
  readonly bytes: Uint8Array;
}

interface LentChunk {
  readonly slot: Promise<Disposable>;
  readonly bytes: Promise<Uint8Array>;
  borrowers: number;
}

export class ChunkLoans {
  readonly #store: BlobStore;
  readonly #slots: Slots;
  readonly #lent = new Map<ChunkId, LentChunk>();

  constructor(store: BlobStore, chunksMax: number) {
    this.#store = store;
    this.#slots = new Slots(chunksMax);
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
    const slot = this.#slots.take();
    return { slot, bytes: slot.then(() => this.#store.getChunk(id)), borrowers: 0 };
  }

  #giveBack(id: ChunkId, lent: LentChunk): void {
    lent.borrowers--;
    if (lent.borrowers > 0) return;
    this.#lent.delete(id);
    void lent.slot.then((slot) => slot[Symbol.dispose]());
  }
}
