/** A task that was done, for the spool: long enough that a file of it can be torn. */
import { blobIdOf, chunkIdOf, type Finished } from '@consilium/federation';
import { type JobId, plainEncoding, type TaskId } from '@consilium/protocol';

const blob = blobIdOf({ bytes: 1, chunks: [chunkIdOf(new Uint8Array(1))] });

export function finishedTask(round: number): Finished {
  const patterns = Array.from({ length: 200 }, (_, index) => `encoder.block-${index}.*`);
  return {
    task: {
      kind: 'train',
      taskId: `job/${round}/train/site-1` as TaskId,
      jobId: 'job' as JobId,
      attempt: 1,
      round,
      plan: null,
      model: blob,
      weights: blob,
      steps: 1,
      firstStep: 0,
      totalSteps: 1,
      seed: 1,
      proximalMu: 0,
      control: null,
      keepLocal: patterns,
      personalLambda: null,
      reply: plainEncoding,
    },
    outcome: {
      kind: 'contribution',
      contribution: {
        kind: 'train',
        weights: blob,
        encoding: plainEncoding,
        controlChange: null,
        cases: 1,
        steps: 1,
        meanLoss: 1 / round,
      },
    },
  };
}
