/** What one step learns from: patches as they are, or, where the network takes clicks, with clicks made up on them. */
import type { TrainingProgram } from '@consilium/engine';
import type { Random } from '@consilium/numerics';
import { sampleClicks } from './clicks/click-batch.ts';
import type { Plan } from './plan.ts';
import type { PreparedCase } from './preprocess.ts';
import { type Batch, type SamplingPlan, samplePatch } from './sampling.ts';

export type ExamplePlan = SamplingPlan & Pick<Plan, 'interactive'>;
/** Asked for its outputs only where clicks are simulated. */
export type ExampleProgram = Partial<Pick<TrainingProgram, 'outputs'>>;

/**
 * One batch. It depends on the arguments alone, the program's weights among them.
 * @throws TrainingError `training.no-case`
 */
export async function sampleExamples(
  program: ExampleProgram,
  plan: ExamplePlan,
  prepared: readonly PreparedCase[],
  random: Random,
): Promise<Batch> {
  const { interactive, ...sampling } = plan;
  if (interactive === undefined) return samplePatch(prepared, sampling, random);
  return sampleClicks(prepared, { ...sampling, interactive }, random, async (image) => {
    const { logits } = await program.outputs!({ image });
    return logits!.data as Float32Array;
  });
}
