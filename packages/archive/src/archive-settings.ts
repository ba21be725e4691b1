/** What an archive is told: the section `archive:` of `site.yaml`. */
import { z } from 'zod';

const regionSchema = z.strictObject({
  left: z.int().min(0),
  top: z.int().min(0),
  width: z.int().min(1),
  height: z.int().min(1),
});

const pixelRuleSchema = z.strictObject({
  name: z.string().min(1),
  modality: z.string().min(1),
  manufacturer: z.string().min(1).exactOptional(),
  model: z.string().min(1).exactOptional(),
  imageType: z.string().min(1).exactOptional(),
  seriesDescription: z.string().min(1).exactOptional(),
  rows: z.int().min(1).exactOptional(),
  columns: z.int().min(1).exactOptional(),
  burnedInAnnotation: z.literal('YES').exactOptional(),
  regions: z.array(regionSchema),
});

/** As `DeidentificationProfile` of imaging, which says what each means. What is left out is the safe choice. */
const deidentificationSchema = z.strictObject({
  dates: z.enum(['shifted', 'removed']).exactOptional(),
  descriptors: z.enum(['cleaned', 'removed']).exactOptional(),
  patientCharacteristics: z.enum(['kept', 'removed']).exactOptional(),
  deviceIdentity: z.enum(['kept', 'removed']).exactOptional(),
  institution: z.enum(['kept', 'removed']).exactOptional(),
  privateAttributes: z.enum(['safe', 'removed']).exactOptional(),
  safeWords: z.array(z.string().min(1)).exactOptional(),
  pixelRules: z.array(pixelRuleSchema).exactOptional(),
  burnedInText: z.enum(['refused', 'blanked', 'unchecked']).exactOptional(),
});

const watchSchema = z.strictObject({
  directory: z.string().min(1),
  /** What becomes of a file that was taken in: moved into `done/` beside it, or deleted. */
  afterwards: z.enum(['move', 'delete']).default('move'),
  /** A file is taken when it has not changed for so long. */
  quietMs: z.int().min(0).default(10_000),
  /** How often the folder is looked at. */
  everyMs: z.int().min(100).default(5_000),
});

const mib = 2 ** 20;
const gib = 2 ** 30;

const limitsSchema = z.strictObject({
  /** Of one instance or file; larger ones are refused. */
  instanceBytesMax: z
    .int()
    .min(1)
    .default(2 * gib - 1),
  /** Of one uploaded zip file. */
  zipBytesMax: z
    .int()
    .min(1)
    .default(64 * gib),
  zipEntriesMax: z.int().min(1).default(200_000),
  /** Of all its entries together, unpacked. */
  unpackedBytesMax: z
    .int()
    .min(1)
    .default(256 * gib),
  /** How many times larger a zip file's content may be than the file. */
  zipRatioMax: z.number().min(1).default(200),
  /** Of what is read and taken in side by side. */
  bytesAtOnceMax: z
    .int()
    .min(1)
    .default(512 * mib),
});

export const archiveSettingsSchema = z.strictObject({
  /** The research question whose studies these are. */
  project: z.string().min(1).max(64).default('default'),
  deidentification: deidentificationSchema.prefault({}),
  /** The key of the identity map and the quarantine; default: `identity.key` in the archive's directory. */
  identityKeyFile: z.string().min(1).exactOptional(),
  watch: z.array(watchSchema).default([]),
  /** A series to which nothing has been added for so long is looked at. */
  settleMs: z.int().min(0).default(60_000),
  /** What the numbers of a segmentation mean that comes without names. */
  labelNames: z.record(z.string().regex(/^\d+$/), z.string().min(1)).default({ 1: 'kidney', 2: 'tumour', 3: 'cyst' }),
  limits: limitsSchema.prefault({}),
});

export type ArchiveSettings = z.infer<typeof archiveSettingsSchema>;
export type ArchiveSettingsInput = z.input<typeof archiveSettingsSchema>;
export type WatchSettings = ArchiveSettings['watch'][number];
export type IntakeLimits = ArchiveSettings['limits'];
