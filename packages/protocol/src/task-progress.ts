/** How far a site has come with a task. Lost progress does no harm: nothing depends on it. */
import { z } from 'zod';

export const taskProgressSchema = z.discriminatedUnion('kind', [
  /** One gradient step done. `step` counts from 1 within the task. */
  z.object({
    kind: z.literal('step'),
    step: z.int().min(1),
    of: z.int().min(1),
    /** null where the training is private. */
    loss: z.number().nullable(),
    /** Of late. Not given for the first step. */
    stepsPerSecond: z.number().positive().optional(),
    /** Memory of the process that trains. */
    residentBytes: z.int().positive().optional(),
  }),
  /** One case read, prepared or scored. `done` counts from 1 within the task. */
  z.object({ kind: z.literal('case'), done: z.int().min(1), of: z.int().min(1) }),
  /** A person at the site has to decide before it begins. */
  z.object({ kind: z.literal('waiting'), for: z.literal('approval') }),
]);
export type TaskProgress = z.infer<typeof taskProgressSchema>;
