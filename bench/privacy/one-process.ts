/** One round of a coordinator and its sites in one process, without services, disks and networks: its messages and its CPU time. */
import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Clock,
  MaskingWorker,
  MemoryStore,
  putBlob,
  runJob,
  type SecretStore,
  type SiteConnection,
  type SiteSigner,
} from '@consilium/federation';
import { encodeSafetensors, tensor } from '@consilium/numerics';
import {
  jobIdSchema,
  plainEncoding,
  pseudonymSchema,
  type SecureAggregation,
  type SiteId,
  siteIdSchema,
} from '@consilium/protocol';

const clock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
};
const signal = new AbortController().signal;
/** As long as one that a project's authority issues. */
const certificate = 'x'.repeat(900);

function signerOf(siteId: SiteId): SiteSigner {
  const sign = (statement: Uint8Array) => new Uint8Array(createHmac('sha512', 'bench').update(statement).digest());
  const proven = ({ certificate: of }: { certificate: string }) => ({ siteId: of.slice(900), keyFingerprint: '' });
  return { siteId, project: 'bench', certificate: certificate + siteId, sign, proven };
}

/** Messages of a secure sum: of one site, the mean over all, as JSON. `secureAggregation`: undefined for a plain round. */
export async function roundInOneProcess(
  sites: number,
  { elements, secureAggregation }: { elements: number; secureAggregation?: SecureAggregation },
) {
  const store = new MemoryStore();
  const participants = Array.from({ length: sites }, (_, index) => siteIdSchema.parse(`site-${index + 1}`));
  const weights = encodeSafetensors(new Map([['w', tensor('float32', [elements])]]));
  let [sent, heard] = [0, 0];
  const connection = (siteId: SiteId): SiteConnection => {
    const worker = new MaskingWorker({
      worker: {
        perform: async (task) =>
          task.kind === 'train'
            ? {
                ...{ kind: 'train', weights: task.weights, encoding: plainEncoding, controlChange: null },
                ...{ cases: 1, steps: 1, meanLoss: 0 },
              }
            : {
                ...{ kind: 'evaluate', meanDice: 0, leftOut: [] },
                scores: [{ case: pseudonymSchema.parse('case-01'), regions: {}, pictures: [] }],
              },
      },
      blobs: store,
      secrets: new MemoryStore() satisfies SecretStore,
      signer: signerOf(siteId),
      secretBytes: randomBytes,
    });
    return {
      siteId,
      perform: async (task) => {
        const contribution = await worker.perform(task, { signal, onProgress: () => {} });
        if (task.kind.startsWith('secure-')) {
          heard += JSON.stringify(task).length;
          sent += JSON.stringify(contribution).length;
        }
        return { kind: 'contribution', contribution, acknowledge: () => {} };
      },
    };
  };
  const [model, initialWeights] = [await putBlob(store, new Uint8Array(1)), await putBlob(store, weights)];
  const begin = process.cpuUsage();
  const outcome = await runJob(
    {
      kind: 'train',
      jobId: jobIdSchema.parse('bench'),
      participants,
      plan: {},
      model,
      initialWeights,
      rounds: { max: 1 },
      stepsPerRound: 1,
      minimumSites: sites,
      stragglerMs: 1e6,
      attempts: 1,
      stopping: { patience: 1, minimumGain: 0 },
      seed: 1,
      strategy: { kind: 'fed-avg' },
      reply: plainEncoding,
      ...(secureAggregation === undefined ? {} : { secureAggregation }),
    },
    { clock, store, sites: new Map(participants.map((siteId) => [siteId, connection(siteId)])) },
  );
  if (outcome.state !== 'completed') throw new Error(outcome.reason.text);
  const { user, system } = process.cpuUsage(begin);
  return {
    cpuSeconds: (user + system) / 1e6,
    sentBytesASite: Math.round(sent / sites),
    heardBytesASite: Math.round(heard / sites),
  };
}
