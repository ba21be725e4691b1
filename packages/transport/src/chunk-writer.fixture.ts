/** Stores blobs in `argv[2]`, retains every other one, and tells of each when that is done, until it is killed. */
import { putBlob } from '@consilium/federation';
import { ChunkDirectory } from './chunk-directory.ts';

const store = await ChunkDirectory.open(process.argv[2]!);
for (let blob = Number(process.argv[3]); ; blob++) {
  const id = await putBlob(store, new TextEncoder().encode(`blob ${blob}`.repeat(1 + (blob % 50) * 1000)));
  if (blob % 2 === 0) await store.retain([id], `holder ${blob}`);
  process.send!({ blob, id });
}
