/**
 * Sites that train nothing: `site-process.ts DIRECTORY STEP ...`, for each site its directory, in which its identity
 * lies, and what it adds to each element. Everything but the training is what a site's service does.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, manifestOf, SiteAgent, type Spool, type Worker } from '@consilium/federation';
import { safetensorsHeaderBytes } from '@consilium/numerics';
import {
  type BlobId,
  type ChunkId,
  type Contribution,
  chunkBytes,
  plainEncoding,
  pseudonymSchema,
} from '@consilium/protocol';
import {
  ChunkDirectory,
  CoordinatorClient,
  IdentityDirectory,
  makeDirectory,
  systemClock,
  writeDurably,
} from '@consilium/transport';

const tasksAtOnce = 1;

/** Adds `step` to each element, chunk by chunk. */
async function add(blobs: BlobStore, weights: BlobId, step: number): Promise<BlobId> {
  const { bytes, chunks } = await manifestOf(blobs, weights);
  const answer: ChunkId[] = [];
  const memory = new Uint8Array(Math.min(bytes, chunkBytes));
  for (const [index, id] of chunks.entries()) {
    const chunk = await blobs.getChunk(id, memory);
    const begin = index === 0 ? safetensorsHeaderBytes(chunk) : 0;
    const numbers = new Float32Array(chunk.buffer, chunk.byteOffset + begin, (chunk.length - begin) / 4);
    for (let at = 0; at < numbers.length; at++) numbers[at]! += step;
    answer.push(await blobs.putChunk(chunk));
  }
  return blobs.putManifest({ bytes, chunks: answer });
}

function noOpWorker(blobs: BlobStore, step: number): Worker {
  let evaluations = 0;
  return {
    perform: async (task): Promise<Contribution> => {
      if (task.kind === 'train') {
        const weights = await add(blobs, task.weights, step);
        return {
          kind: 'train',
          weights,
          encoding: plainEncoding,
          controlChange: null,
          cases: 1,
          steps: 1,
          meanLoss: 0,
        };
      }
      const meanDice = ++evaluations * 1e-6;
      const score = { case: pseudonymSchema.parse('case-01'), regions: {}, pictures: [] };
      return { kind: 'evaluate', scores: [score], meanDice, leftOut: [] };
    },
  };
}

function durableSpool(directory: string): Spool {
  const path = (taskId: string): string => join(directory, `${taskId.replaceAll('/', '-')}.json`);
  return {
    put: (finished) => writeDurably(path(finished.task.taskId), JSON.stringify(finished)),
    remove: (taskId) => rm(path(taskId), { force: true }),
    list: () => Promise.resolve([]),
  };
}

async function run(directory: string, step: number): Promise<void> {
  const identity = await IdentityDirectory.open(join(directory, 'identity'));
  const blobs = await ChunkDirectory.open(join(directory, 'store'));
  await makeDirectory(join(directory, 'spool'));
  const client = new CoordinatorClient({
    origin: identity.facts.coordinator,
    authority: identity.authority,
    credentials: identity.credentials,
  });
  const agent = new SiteAgent({
    clock: systemClock,
    chance: Math.random,
    coordinator: {
      openLine: (hello, over) => client.openLine(hello, over),
      send: (message, over) => client.send(message, over),
      fetchBlob: (id, over) => client.fetchBlob(id, blobs, over),
      offerBlob: (id, over) => client.offerBlob(id, blobs, over),
    },
    worker: noOpWorker(blobs, step),
    spool: durableSpool(join(directory, 'spool')),
    blobs,
    failureOf: (error) => {
      console.error(error);
      return { code: 'bench.failed', message: 'The no-op worker failed.', lasting: false };
    },
    tasksAtOnce,
    onEvent: (event) => {
      if (event.kind === 'disconnected') console.error(event.error);
    },
  });
  await agent.run(new AbortController().signal);
}

const holdOpen = setInterval(() => {}, 60_000);
const sites = process.argv.slice(2);
await Promise.all(
  Array.from({ length: sites.length / 2 }, (_, index) => run(sites[2 * index]!, Number(sites[2 * index + 1]))),
);
clearInterval(holdOpen);
