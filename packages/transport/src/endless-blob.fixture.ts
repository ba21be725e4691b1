/** A blob larger than anybody's memory: its chunks are made when they are asked for, and checked when they come back. */
import { type BlobStore, blobIdOf, chunkIdOf } from '@consilium/federation';
import { type BlobId, type ChunkId, chunkBytes, type Manifest } from '@consilium/protocol';

export class EndlessBlob implements BlobStore {
  readonly id: BlobId;
  readonly manifest: Manifest;
  readonly received = new Set<ChunkId>();
  readonly #indices = new Map<ChunkId, number>();
  readonly #noise = new Uint8Array(chunkBytes);

  constructor(bytes: number) {
    for (let at = 0, value = 1; at < chunkBytes; at++) this.#noise[at] = value = (value * 25173 + 13849) % 65536;
    const chunks = Array.from({ length: Math.ceil(bytes / chunkBytes) }, (_, index) => {
      const id = chunkIdOf(this.#make(index, Math.min(chunkBytes, bytes - index * chunkBytes)));
      this.#indices.set(id, index);
      return id;
    });
    this.manifest = { bytes, chunks };
    this.id = blobIdOf(this.manifest);
  }

  async getManifest(id: BlobId): Promise<Manifest | undefined> {
    return id === this.id ? this.manifest : undefined;
  }

  async getChunk(id: ChunkId): Promise<Uint8Array> {
    const index = this.#indices.get(id)!;
    return this.#make(index, Math.min(chunkBytes, this.manifest.bytes - index * chunkBytes)).slice();
  }

  async getPart(id: ChunkId, begin: number, into: Uint8Array): Promise<Uint8Array> {
    return (await this.getChunk(id)).subarray(begin, begin + into.length);
  }

  async putChunk(bytes: Uint8Array): Promise<ChunkId> {
    const id = chunkIdOf(bytes);
    this.received.add(id);
    return id;
  }

  async hasChunk(id: ChunkId): Promise<boolean> {
    return this.received.has(id);
  }

  async putManifest(manifest: Manifest): Promise<BlobId> {
    return blobIdOf(manifest);
  }

  async retain(): Promise<void> {}

  async release(): Promise<void> {}

  #make(index: number, length: number): Uint8Array {
    new DataView(this.#noise.buffer).setUint32(0, index);
    return this.#noise.subarray(0, length);
  }
}
