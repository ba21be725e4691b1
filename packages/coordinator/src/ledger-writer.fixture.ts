/** Writes blobs and entries to the store in `argv[2]` and tells of each when it is acknowledged, until it is killed. */
import { putBlob } from '@consilium/federation';
import type { JobId } from '@consilium/protocol';
import { openStore } from './durable-store.ts';

const jobId = 'job' as JobId;
const store = await openStore(process.argv[2]!);
for (let entry = (await store.recall(jobId)).size + 1; ; entry++) {
  const blob = await putBlob(store, new TextEncoder().encode(`blob ${entry}`));
  await store.record(jobId, `entry/${entry}`, blob);
  process.send!(entry);
}
