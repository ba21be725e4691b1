/**
 * What one run of an experiment is: everything of a training job that an experiment may vary, by names of its own. What is
 * left out is as the plan derives it from the data. Strategy, loss terms, optimiser and augmentation may be written out as
 * `job.json` and `plan.json` have them; whoever runs the experiment checks those.
 */
import { jsonSchema } from '@consilium/protocol';
import { z } from 'zod';

const size = z.int().min(1);
const spelledOut = z.record(z.string(), jsonSchema);

/** So many patients of each site's training part, a share of them, or all. Smaller numbers are parts of larger ones. */
const patientsPerSiteSchema = z.union([
  z.literal('all'),
  size,
  z.string().regex(/^(?:100|[1-9]?\d(?:\.\d+)?) ?%$/, 'must be a number, a share such as "25 %", or all'),
]);

export const settingsShape = {
  network: z.enum(['unet', 'residual-encoder-unet', 'segresnet']).optional(),
  /** Channels of the finest level; each next level has twice as many, up to the plan's largest. */
  width: size.optional(),
  /** Levels. */
  depth: size.optional(),
  /** Voxels `[z, y, x]`; rounded up to what the depth needs. */
  patchSize: z.tuple([size, size, size]).optional(),
  batchSize: size.optional(),
  /** Kinds of loss joined by `+`, as `dice+cross-entropy`, or as in `plan.json`. */
  loss: z.union([z.string().min(1), spelledOut]).optional(),
  optimiser: z.union([z.enum(['sgd', 'adam', 'adamw']), spelledOut]).optional(),
  learningRate: z.number().positive().optional(),
  augmentation: z.union([z.enum(['standard', 'none']), spelledOut]).optional(),
  /** Of all images alike, or each by its phase of contrast enhancement. */
  normalise: z.enum(['together', 'by-phase']).default('together'),
  detail: z.enum(['small', 'full']).default('full'),
  memoryBudgetMb: z.number().min(256).default(4096),
  strategy: z.union([z.string().min(1), spelledOut]).default('fed-avg'),
  /** Gradient steps of each site in each round. */
  localSteps: size.default(250),
  rounds: size.default(100),
  patience: size.default(10),
  minimumGain: z.number().min(0).max(1).default(0.002),
  patientsPerSite: patientsPerSiteSchema.default('all'),
  /** Whose labels are trained on; the sites know what that is. */
  labels: z.enum(['manual', 'assisted']).optional(),
  /** Who trains, of those who take part in the experiment; all if it is not there. All are tested. */
  participants: z.array(z.string().min(1)).min(1).optional(),
  /** Of the first weights, the patches, and which patients are taken. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1),
} as const;

export const runSettingsSchema = z.strictObject(settingsShape);
export type RunSettings = Readonly<z.output<typeof runSettingsSchema>>;
export type SettingName = keyof typeof settingsShape;
