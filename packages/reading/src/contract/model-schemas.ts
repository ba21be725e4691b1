/** What is asked of the models of a project, and what is answered. */
import { z } from 'zod';
import { caseParams, projectParams, taskParams } from './reading-schemas.ts';

const id = z.string().min(1).max(64);
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const text = (max: number) => z.string().trim().min(1).max(max);
const count = z.number().int().min(0);
const share = z.number().describe('0 to 1.');
const timeMs = z.number().describe('Milliseconds since 1970.');
const priority = z.int().min(-100).max(100).default(0).describe('The larger the sooner.');

export const modelParams = projectParams.extend({ model: digest });
export const modelFileParams = modelParams.extend({
  file: z.enum(['model.onnx', 'weights.safetensors', 'plan.json', 'metadata.json']),
});
export const workParams = projectParams.extend({ work: id });
export const sessionParams = taskParams.extend({ session: id });
export { caseParams };

const structures = z.record(z.string().max(200), z.int().min(1).max(255).nullable());
export const newModelQuery = z.object({
  name: text(64),
  kind: z.enum(['automatic', 'interactive']).default('automatic'),
  structures: z
    .string()
    .max(10_000)
    .transform((json, context): unknown => {
      try {
        return JSON.parse(json);
      } catch {
        context.addIssue('must be JSON');
        return z.NEVER;
      }
    })
    .pipe(structures)
    .exactOptional()
    .describe('JSON: the number of the structure by class, where names are not alike; null: is not drawn.'),
  job: text(100).exactOptional().describe('Where it comes from.'),
  round: z.coerce.number().int().min(0).exactOptional(),
});

const modelName = z.object({ name: z.string(), digest: z.string() });
export const modelSchema = modelName.extend({
  kind: z.enum(['automatic', 'interactive']),
  state: z.enum(['candidate', 'champion', 'retired']),
  structures: z.record(z.string(), z.number()).describe('Number of the structure by class.'),
  origin: z.object({ job: z.string().optional(), round: z.number().optional() }),
  person: z.string().describe('Who put it there.'),
  putMs: timeMs,
  promotedMs: timeMs.nullable(),
});

export const validationBody = z.object({ cases: z.array(id).min(1).max(10_000) });
export const validationSchema = z.object({
  number: count,
  cases: z.array(z.object({ caseId: z.string(), version: z.string() })).readonly(),
});
export const trialBody = z.object({ priority });
export const trialSchema = z.object({
  digest: z.string(),
  against: z.string().nullable().describe('The champion then.'),
  number: count.describe('Of the validation set.'),
  atMs: timeMs,
  verdict: z.object({
    isBetter: z.boolean(),
    reason: z.enum(['better', 'too-few-cases', 'not-better', 'not-sure', 'structure-worse']),
    difference: z
      .object({ cases: count, mean: z.number(), low: z.number().optional(), high: z.number().optional() })
      .optional()
      .describe('In Dice, candidate less champion, over cases, with its 95 % interval.'),
    structures: z
      .array(z.object({ structure: z.number(), candidate: z.number(), champion: z.number() }))
      .readonly()
      .describe('Mean Dice over the cases; of an interactive model, after the scored clicks.'),
    clicks: z
      .object({
        scored: count.describe('After so many clicks on a structure the gate decides.'),
        after: z.array(z.object({ clicks: count, candidate: share, champion: share })).readonly(),
      })
      .optional()
      .describe('Of an interactive model: mean Dice over structures and cases after so many simulated clicks.'),
  }),
});

export const proposalsBody = z.object({
  cases: z.array(id).min(1).max(10_000).exactOptional().describe('Without: all that wait for a reader and a proposal.'),
  model: digest.exactOptional().describe('Without: the champion.'),
  priority,
  isNightly: z.boolean().default(false).describe('Whether they wait for the hours of the protocol.'),
});
export const worksSchema = z.object({ work: z.array(z.string()).readonly() });
export const proposeBody = z.object({ model: digest.exactOptional() });
export const proposeSchema = z.object({
  version: z.string().nullable().describe('It is there already.'),
  work: z.string().nullable().describe('It will be made.'),
});
export const proposalSchema = z.object({
  version: z.string(),
  caseId: z.string(),
  digest: z.string().describe('Of the model.'),
  uncertainty: z.object({ case: share, structures: z.record(z.string(), share) }),
  disagreement: share.nullable().describe('Between this and what the model before proposed.'),
  createdMs: timeMs,
});

export const workSchema = z.object({
  id: z.string(),
  kind: z.enum(['propose', 'trial']),
  caseId: z.string().nullable(),
  digest: z.string(),
  priority: z.number(),
  isNightly: z.boolean(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  attempts: count,
  code: z.string().nullable().describe('Why it failed.'),
  createdMs: timeMs,
  endedMs: timeMs.nullable(),
  progress: z.object({ done: z.number(), total: z.number() }).nullable(),
});

const index = z.int().min(0);
const voxel = z.tuple([index, index, index]).describe('[z, y, x]');
const bounds = z.object({ first: voxel, last: voxel });
const base64 = z.base64().max(2 ** 20);
export const openSessionBody = z.object({ leaseId: id, model: digest.exactOptional() });
export const sessionSchema = z.object({
  id: z.string(),
  model: modelName,
  offered: modelName.nullable().describe('A newer champion, which the reader may ask for.'),
  structures: z.array(z.number()).readonly().describe('That may be asked for.'),
  untilMs: timeMs.describe('It ends then without a sign of life.'),
});
export const promptBody = z.object({
  leaseId: id,
  structure: z.int().min(1).max(255),
  clicks: z
    .array(z.object({ voxel, isForeground: z.boolean() }))
    .max(1000)
    .default([])
    .describe('Those that belong together, the newest last: it decides where the network looks.'),
  scribbles: z
    .array(bounds.extend({ isForeground: z.boolean(), runs: base64.describe('Of the box; not 0 where drawn.') }))
    .max(100)
    .default([]),
  box: bounds.exactOptional().describe('Outside of it nothing changes.'),
  lasso: z
    .object({
      slice: index,
      points: z
        .array(z.tuple([z.number(), z.number()]))
        .min(3)
        .max(1000),
    })
    .exactOptional()
    .describe('A closed line of [y, x] in a slice.'),
});
export const promptSchema = z.object({
  change: z
    .object({ layer: z.number(), first: voxel, last: voxel, runs: z.string().describe('Base64; see label-delta.ts.') })
    .nullable(),
  model: modelName,
  latencyMs: z.number(),
  uncertainty: share,
  region: bounds.describe('Where it looked.'),
});
