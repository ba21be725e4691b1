/**
 * Finding patients who are at several hospitals, without a hospital telling another, or the coordinator, who its patients
 * are. Four steps after the sites have introduced themselves; what passes between them is sealed and of one size.
 */
import { z } from 'zod';
import { blobIdSchema } from './blob.ts';
import { siteIdSchema } from './id.ts';
import { rosterSchema } from './peers.ts';

/** By what two hospitals know a patient again. */
export const identifierKindSchema = z.enum(['patient-id', 'name-birth-date-sex']);
export type IdentifierKind = z.infer<typeof identifierKindSchema>;

export const overlapSettingsSchema = z.object({
  identifier: identifierKindSchema,
  /** Every list is filled up to so many identifiers, so that nobody learns how long it is. A site with more takes no part. */
  capacity: z.int().min(16).max(65_536),
  /** Sites, each of which knows that the others are at least so many less one. */
  minimumSites: z.int().min(2),
  /** The smallest number of patients that a site may tell. A site may insist on more. */
  minimumCount: z.int().min(1),
});
export type OverlapSettings = z.infer<typeof overlapSettingsSchema>;

const overlapStepSchema = z.enum(['mask', 'return', 'label', 'find']);
export type OverlapStep = z.infer<typeof overlapStepSchema>;

export const overlapBodySchema = z.object({
  kind: z.literal('overlap'),
  step: overlapStepSchema,
  settings: overlapSettingsSchema,
  roster: rosterSchema,
  /** What others have sealed for this site in earlier steps. */
  received: z.array(z.object({ from: siteIdSchema, step: overlapStepSchema, box: blobIdSchema })).max(2000),
});

export const overlapContributionSchema = z.object({
  kind: z.literal('overlap'),
  step: overlapStepSchema,
  /** For each other site. */
  boxes: z.record(siteIdSchema, blobIdSchema),
  /** After the last step. null: fewer than the minimum count, none included. */
  found: z
    .object({
      /** Patients who are at another site too. */
      elsewhere: z.int().min(1).nullable(),
      /** Of them, those who are left out here, because another site trains, validates or tests with them. */
      leftOut: z.int().min(1).nullable(),
    })
    .nullable(),
});
