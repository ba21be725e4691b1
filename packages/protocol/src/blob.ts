/**
 * How large things (weights, graphs) rest and travel: cut into chunks named by their SHA-256, and a manifest that lists
 * them. A blob is named by the SHA-256 of its manifest, so a name vouches for every byte, only chunks that the other
 * side lacks travel, and two blobs that share chunks share them on disk and on the wire.
 */
import { z } from 'zod';

/** Bytes of every chunk but the last, which may be shorter. */
export const chunkBytes = 8 * 2 ** 20;

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** SHA-256 of a chunk's bytes, 64 lower-case hexadecimal digits. */
export const chunkIdSchema = hash.brand<'ChunkId'>();
export type ChunkId = z.infer<typeof chunkIdSchema>;

/** SHA-256 of a manifest's canonical text: what a blob is called. */
export const blobIdSchema = hash.brand<'BlobId'>();
export type BlobId = z.infer<typeof blobIdSchema>;

/** 64 TiB: a bound on what a manifest may make the other side expect. */
const chunksMax = 2 ** 23;

export const manifestSchema = z
  .object({
    /** Of the whole blob. */
    bytes: z.int().min(0),
    /** In order. */
    chunks: z.array(chunkIdSchema).max(chunksMax),
  })
  .refine(({ bytes, chunks }) => chunks.length === Math.ceil(bytes / chunkBytes), 'its size and chunks disagree');
export type Manifest = z.infer<typeof manifestSchema>;

/** The text whose SHA-256 is the blob's name. */
export function canonicalManifest({ bytes, chunks }: Manifest): string {
  return `consilium-blob 1 ${bytes} ${chunkBytes}\n${chunks.join('\n')}\n`;
}

/** Bytes of the chunk at a place in a manifest. */
export function bytesOfChunk({ bytes, chunks }: Manifest, index: number): number {
  return index === chunks.length - 1 ? bytes - chunkBytes * (chunks.length - 1) : chunkBytes;
}
