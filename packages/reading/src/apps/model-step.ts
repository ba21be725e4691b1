/** What an app has done around a model, as named steps: to the image before, to the label after. */
import { z } from 'zod';

export const preStepSchema = z.discriminatedUnion('do', [
  /** HU outside are set to the nearer limit: metal, and padding that a scanner wrote around its circle. */
  z.strictObject({ do: z.literal('clip'), low: z.number(), high: z.number() }),
  /** A function of the app's own code. */
  z.strictObject({
    ...{ do: z.literal('own'), function: z.string().regex(/^[A-Za-z_]\w{0,63}$/) },
    options: z.record(z.string().max(64), z.json()).default({}),
  }),
]);

export type PreStep = z.output<typeof preStepSchema>;

/** Names of structures, in whatever case. */
const names = z.array(z.string().trim().min(1).max(64)).min(1).max(100);
const structures = z.union([z.literal('all'), names]);
/** Whether the structures are treated as one: a kidney and its tumour are one piece of a patient. */
const together = z.boolean().default(false);

export const postStepSchema = z.discriminatedUnion('do', [
  /** Pieces beyond the largest ones become background. Voxels that share a face, an edge or a corner are one piece. */
  z.strictObject({
    ...{ do: z.literal('keep-largest'), structures, together },
    pieces: z.int().min(1).max(100).default(1),
  }),
  /** Pieces smaller than so many mm³ become background. */
  z.strictObject({ do: z.literal('remove-islands'), structures, together, belowMm3: z.number().positive() }),
  /** Background that a structure encloses becomes the structure's; what another structure holds stays its own. */
  z.strictObject({ do: z.literal('fill-holes'), structures, in: z.enum(['volume', 'slices']).default('volume') }),
  /** Pieces none of whose voxels touches one of `of` become background. Without any of `of`, all stay: there is nothing to hold them against. */
  z.strictObject({ do: z.literal('keep-touching'), structures, of: names }),
  /** Voxels farther from `of` become background, between centres of voxels. Without any of `of`, all stay. */
  z.strictObject({ do: z.literal('keep-near'), structures, of: names, withinMm: z.number().min(0).max(1000) }),
  /** Voxels outside the patient become background. Wants the image. */
  z.strictObject({ do: z.literal('inside-body'), structures }),
  /** A function of the app's own code. */
  z.strictObject({
    ...{ do: z.literal('own'), function: z.string().regex(/^[A-Za-z_]\w{0,63}$/) },
    options: z.record(z.string().max(64), z.json()).default({}),
  }),
]);

export type PostStep = z.output<typeof postStepSchema>;
export type BuiltInStep = Exclude<PostStep, { do: 'own' }>;
