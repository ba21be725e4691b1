/**
 * Sites that train nothing: `site-process.ts DIRECTORY STEP ...`, for each site its directory, in which its identity
 * lies, and what it adds to each element.
 */
import { join } from 'node:path';
import { type BlobStore, manifestOf, type Worker } from '@consilium/federation';
import { safetensorsHeaderBytes } from '@consilium/numerics';
import {
  type BlobId,
  type ChunkId,
  type Contribution,
  chunkBytes,
  plainEncoding,
  pseudonymSchema,
} from '@consilium/protocol';
import { runSite } from '@consilium/site';
import { IdentityDirectory, writeDurably } from '@consilium/transport';

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

/** The service as hospitals run it, but for the worker. */
async function run(directory: string, step: number): Promise<void> {
  const { facts } = await IdentityDirectory.open(join(directory, 'identity'));
  const settings = {
    siteId: facts.id,
    coordinator: facts.coordinator,
    data: directory,
    policy: { without: ['signed-jobs'] },
  };
  await writeDurably(join(directory, 'site.yaml'), JSON.stringify(settings));
  await runSite(directory, { signal: new AbortController().signal, worker: (blobs) => noOpWorker(blobs, step) });
}

const holdOpen = setInterval(() => {}, 60_000);
const sites = process.argv.slice(2);
await Promise.all(
  Array.from({ length: sites.length / 2 }, (_, index) => run(sites[2 * index]!, Number(sites[2 * index + 1]))),
);
clearInterval(holdOpen);
