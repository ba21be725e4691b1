/** What is asked of the reading room and what it answers, as schemas: each is checked against, and described by, its own. */
import { z } from 'zod';
import { Role, TaskState } from '../workflow/task-state.ts';

const text = (max: number) => z.string().trim().min(1).max(max);
const id = z.string().min(1).max(64);
/** SHA-256 in hexadecimal. */
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');
const count = z.number().int().min(0);
const timeMs = z.number().describe('Milliseconds since 1970.');
const triple = z.tuple([z.number(), z.number(), z.number()]).readonly();
const index = z.int().min(0);
const box = z.tuple([index, index, index]).describe('[z, y, x]');

const projectName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be of a-z, 0-9 and "-"');
export const projectParams = z.object({ project: projectName });
export const taskParams = projectParams.extend({ task: id });
export const caseParams = projectParams.extend({ case: id });
export const versionParams = projectParams.extend({ version: digest });
export const layerParams = versionParams.extend({ layer: z.coerce.number().int().min(0).max(7) });
export const chunkParams = caseParams.extend({ chunk: z.coerce.number().int().min(0).max(1_000_000) });

const geometrySchema = z.object({
  size: triple.describe('Voxels along [z, y, x].'),
  spacingMm: triple.describe('Along [z, y, x].'),
  originMm: triple.describe('LPS [x, y, z] of the centre of voxel (0, 0, 0).'),
  axes: z.tuple([triple, triple, triple]).readonly().describe('Unit vectors in LPS [x, y, z] along [z, y, x].'),
});

export const askerSchema = z.object({
  person: z.string(),
  roles: z.array(z.enum(Object.values(Role) as [Role, ...Role[]])).readonly(),
});

export const projectEntrySchema = z.object({ name: z.string(), protocolVersion: z.number(), title: z.string() });
export const protocolQuery = z.object({ version: z.coerce.number().int().min(1).exactOptional() });

export const newCasesSchema = z.object({
  series: z.array(id).min(1).max(10_000).describe('Series Instance UIDs in the archive.'),
  readers: z.int().min(1).max(16).default(1),
  isBlinded: z.boolean().default(true).describe('Whether several readers of a case see nothing of each other.'),
  assignTo: z.array(text(100)).max(16).default([]).describe('Persons; without, from the pool.'),
  priority: z.int().min(-100).max(100).default(0),
  dueMs: timeMs.exactOptional(),
});
export const caseMadeSchema = z.object({ caseId: id, seriesInstanceUid: z.string(), tasks: z.array(id).readonly() });

const stateSchema = z.enum(Object.values(TaskState) as [TaskState, ...TaskState[]]);
export const taskSchema = z.object({
  id,
  caseId: id,
  project: z.string(),
  seriesInstanceUid: z.string(),
  geometry: geometrySchema,
  protocolVersion: z.number(),
  role: z.enum(['read', 'adjudicate']),
  isBlinded: z.boolean(),
  reader: z.string().nullable(),
  reviewer: z.string().nullable(),
  state: stateSchema,
  priority: z.number(),
  dueMs: timeMs.nullable(),
  baseVersion: z.string().nullable().describe('What drawing begins with: a proposal or a consensus.'),
  headVersion: z.string().nullable().describe('What was drawn last.'),
  createdMs: timeMs,
});
export const taskQuery = z.object({
  state: stateSchema.exactOptional(),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const leaseBody = z.object({ leaseId: id });
export const leaseSchema = z.object({
  leaseId: id,
  untilMs: timeMs,
  task: taskSchema,
  draft: z.object({ id, baseVersion: z.string().nullable(), lastSeq: count }),
});
export const untilSchema = z.object({ untilMs: timeMs });
export const reasonBody = z.object({ reason: text(1000) });
export const assignBody = z.object({ reader: text(100).nullable() });

const model = z.object({ name: text(200), digest });
const strokeSchema = z.object({
  seq: z.int().min(1).describe('From 1, without gaps, in a draft.'),
  kind: z.enum(['draw', 'undo', 'redo', 'mark']),
  atMs: timeMs.describe('By the reader’s clock.'),
  tool: text(64),
  structure: z.int().min(1).max(255).exactOptional().describe('The one worked on.'),
  phase: z.enum(['manual', 'assisted']).default('manual'),
  model: model.exactOptional(),
  change: z
    .object({
      layer: z.int().min(0).max(7),
      first: box,
      last: box,
      runs: z
        .base64()
        .max(64 * 2 ** 20)
        .describe('Base64; see label-delta.ts.'),
    })
    .exactOptional(),
});
export const drawBody = leaseBody.extend({ strokes: z.array(strokeSchema).max(10_000) });
export const lastSeqSchema = z.object({ lastSeq: count });
export const sinceQuery = z.object({ since: z.coerce.number().int().min(0).default(0) });
export const draftSchema = z.object({
  id,
  baseVersion: z.string().nullable(),
  lastSeq: count,
  strokes: z.array(strokeSchema.extend({ phase: z.enum(['manual', 'assisted']) })).readonly(),
});

const answersSchema = z.record(
  z.string().max(64),
  z.union([z.string().max(10_000), z.number(), z.boolean(), z.array(z.string().max(64)).max(100).readonly()]),
);
export const submitBody = leaseBody.extend({ lastSeq: count, form: answersSchema.default({}) });
export const keptSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('kept'), version: digest }),
  z.object({ kind: z.literal('merged'), version: digest, of: z.tuple([digest, digest]).readonly() }),
  z.object({
    kind: z.literal('conflict'),
    version: digest,
    other: digest,
    structures: z.array(z.number()).readonly(),
    voxels: z.number(),
  }),
]);
export const uploadQuery = z.object({
  leaseId: id,
  format: z.enum(['dicom-seg', 'rtstruct', 'nifti', 'nrrd']),
  parent: digest.exactOptional().describe('The version it was drawn on; without, nothing.'),
});
export const chooseBody = leaseBody.extend({ version: digest });

export const decisionBody = z.object({
  decision: z.enum(['approve', 'changes']),
  version: digest.describe('The one that was looked at.'),
  comment: z.string().max(10_000).default(''),
});
export const reviewSchema = z.object({
  version: z.string(),
  person: z.string().describe('Empty to the reader.'),
  decision: z.enum(['approve', 'changes']),
  comment: z.string(),
  atMs: timeMs,
});

const performance = z.object({
  structure: z.number(),
  sensitivity: z.array(z.number()).readonly().describe('By parent, in their order.'),
  specificity: z.array(z.number()).readonly(),
});
const edits = z.object({ before: count, after: count, both: count, added: count, removed: count });
const time = z.object({
  activeMs: z.number(),
  idleMs: z.number(),
  byStructureMs: z.record(z.string(), z.number()),
  byPhaseMs: z.object({ manual: z.number(), assisted: z.number() }),
});
export const versionSchema = z.object({
  id: z.string(),
  caseId: id,
  taskId: z.string().nullable(),
  protocolVersion: z.number(),
  kind: z.enum(['proposal', 'drawn', 'import', 'merge', 'consensus']),
  parents: z.array(z.string()).readonly(),
  layers: z.array(z.string()).readonly().describe('SHA-256 of the runs of each.'),
  person: z.string(),
  role: z.string(),
  createdMs: timeMs,
  form: answersSchema,
  provenance: z.object({
    tools: z.record(z.string(), z.number()).optional(),
    models: z
      .array(z.object({ name: z.string(), digest: z.string() }))
      .readonly()
      .optional(),
    time: time.optional(),
    editsOfParent: z.record(z.string(), edits).optional(),
    editsOfProposal: z.record(z.string(), edits).optional(),
    file: z.object({ format: z.string(), sha256: z.string() }).optional(),
    consensus: z.object({ method: z.string(), performance: z.array(performance).readonly() }).optional(),
  }),
});
export const versionsQuery = z.object({ case: id.exactOptional() });
export const exportQuery = z.object({ format: z.enum(['dicom-seg', 'nifti', 'nrrd']).default('nifti') });

export const proposalQuery = z.object({
  format: z.enum(['dicom-seg', 'nifti', 'nrrd']),
  model: text(200),
  digest: digest.describe('SHA-256 of the model’s file.'),
});
export const versionNameSchema = z.object({ version: z.string() });

export const pairSchema = z.object({
  caseId: id,
  one: z.string(),
  other: z.string(),
  structures: z
    .array(
      z.object({
        structure: z.number(),
        dice: z.number(),
        surfaceDice: z.number(),
        hausdorff95Mm: z.number().optional(),
        volumesMl: z.tuple([z.number(), z.number()]).readonly(),
      }),
    )
    .readonly(),
});
const interval = z
  .object({ cases: count, mean: z.number(), low: z.number().optional(), high: z.number().optional() })
  .optional()
  .describe('Mean over cases, with its 95 % interval from three cases on.');
export const summarySchema = z.object({
  structure: z.number(),
  dice: interval,
  surfaceDice: interval,
  hausdorff95Mm: interval,
  volumeDifference: interval,
});

export const measuresQuery = z.object({ format: z.enum(['json', 'csv']).default('json') });
export const measuresSchema = z.object({
  readings: z
    .array(
      z.object({
        ...{ caseId: id, taskId: id, version: z.string(), reader: z.string(), role: z.string(), submittedMs: timeMs },
        phase: z.enum(['manual', 'assisted']),
        ...{ activeMinutes: z.number(), idleMinutes: z.number() },
        structures: z
          .array(
            z.object({
              ...{ number: z.number(), activeMinutes: z.number(), editedVoxels: count },
              fate: z.enum(['accepted', 'edited', 'redrawn', 'absent']),
              proposalDice: z.number().optional(),
            }),
          )
          .readonly(),
      }),
    )
    .readonly(),
  proposals: z.object({ accepted: count, edited: count, redrawn: count }),
  learning: z.record(z.string(), z.array(z.object({ phase: z.string(), activeMinutes: z.number() })).readonly()),
});

export const eventsQuery = z.object({
  since: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});
export const eventSchema = z.object({
  seq: count,
  atMs: timeMs,
  person: z.string(),
  kind: z.string(),
  caseId: z.string().nullable(),
  taskId: z.string().nullable(),
  facts: z.record(z.string(), z.json()),
});

export const volumeSchema = z.object({
  geometry: geometrySchema,
  slicesPerChunk: count,
  chunks: count.describe('In order of z.'),
  encoding: z.literal('int16le-deflate').describe('zlib (RFC 1950) of little-endian 16-bit numbers, [z, y, x].'),
});
export const besideParams = caseParams.extend({ series: id });
export const besideChunkParams = besideParams.extend({ chunk: chunkParams.shape.chunk });
export const besideSchema = z.object({
  seriesInstanceUid: z.string(),
  number: z.number().nullable(),
  modality: z.string().nullable(),
  phase: z.string().nullable(),
  date: z.string().nullable().describe('YYYYMMDD of the study, as de-identified.'),
  isSameStudy: z.boolean(),
  slices: count,
});
export const besideVolumeSchema = volumeSchema.extend({
  isSameFrame: z.boolean().describe('Whether points of the case lie at the same place: one frame of reference.'),
});
export const errorSchema = z.object({ code: z.string(), message: z.string() });
export const doneSchema = z.object({});
