/** How many bytes of messages one secure sum takes, a model of four numbers apart: sites and coordinator in one process. */
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

/** Messages of one site, the mean over all, as JSON. */
export async function bytesOfSession(sites: number, secureAggregation: SecureAggregation) {
  const store = new MemoryStore();
  const participants = Array.from({ length: sites }, (_, index) => siteIdSchema.parse(`site-${index + 1}`));
  const weights = encodeSafetensors(new Map([['w', tensor('float32', [4])]]));
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
  const outcome = await runJob(
    {
      kind: 'train',
      jobId: jobIdSchema.parse('bench'),
      participants,
      plan: {},
      model: await putBlob(store, new Uint8Array(1)),
      initialWeights: await putBlob(store, weights),
      rounds: { max: 1 },
      stepsPerRound: 1,
      minimumSites: sites,
      stragglerMs: 1e6,
      attempts: 1,
      stopping: { patience: 1, minimumGain: 0 },
      seed: 1,
      strategy: { kind: 'fed-avg' },
      reply: plainEncoding,
      secureAggregation,
    },
    { clock, store, sites: new Map(participants.map((siteId) => [siteId, connection(siteId)])) },
  );
  if (outcome.state !== 'completed') throw new Error(outcome.reason.text);
  return { sentBytesASite: Math.round(sent / sites), heardBytesASite: Math.round(heard / sites) };
}
