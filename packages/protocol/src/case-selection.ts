/**
 * Which of its training cases a site uses, for experiments that ask how many patients are needed and whose labels are
 * better. Who is taken follows from the seed, the site and its patients alone; a smaller selection is part of every larger
 * one with the same seed.
 */
import { z } from 'zod';

export const caseSelectionSchema = z.strictObject({
  seed: z.int(),
  /** So many of the patients in the training part, or a share of them, at least one; all if it is not there. */
  patients: z
    .union([z.strictObject({ count: z.int().min(1) }), z.strictObject({ share: z.number().positive().max(1) })])
    .optional(),
  /** The set of labels to train on, by the name that the sites have given it; the cohort's own if it is not there. */
  labels: z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/)
    .optional(),
});
export type CaseSelection = z.infer<typeof caseSelectionSchema>;
