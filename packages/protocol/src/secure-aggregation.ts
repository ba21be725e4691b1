/**
 * Secure aggregation (Bonawitz et al. 2017, doi:10.1145/3133956.3133982; with `neighbours`, Bell et al. 2020,
 * doi:10.1145/3372297.3417885): the coordinator learns the sum of the sites' contributions and no contribution. What it
 * takes beyond training is five short steps, each a task: keys, shares, input, survivors, unmask.
 */
import { z } from 'zod';
import { blobIdSchema } from './blob.ts';
import { filterNamesSchema } from './filter-names.ts';
import { siteIdSchema } from './id.ts';

export const secureAggregationSchema = z.strictObject({
  /** So many sites must be in a sum, and must help before it is unmasked: more than half of the participants. */
  threshold: z.int().min(2).max(5000),
  /** No number of a site's weights counts as having moved by more than this in a round. */
  clip: z.number().positive(),
  /** A movement is one of 2^bits - 1 steps from -clip to clip. */
  bits: z.int().min(8).max(32).default(16),
  /** No site may count for more training cases: what there is room for in a sum. */
  casesMax: z.int().min(1).max(1_000_000).default(1000),
  /** `stochastic`: rounded up or down by chance (from the job's seed), right on average. */
  rounding: z.enum(['stochastic', 'nearest']).default('stochastic'),
  /** Each site shares masks with so many others only; with all, if it is not given. Even. */
  neighbours: z.int().min(2).max(254).multipleOf(2).optional(),
});
export type SecureAggregation = z.infer<typeof secureAggregationSchema>;

/** `count` bytes in base64url. */
const bytes = (count: number) => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((count * 4) / 3)}}$`));
const signature = z.string().regex(/^[A-Za-z0-9_-]{64,400}$/);

/** One sum of one round. A number is used once: what failed before anything could be unmasked is tried under the next. */
const sessionSchema = z.object({ round: z.int().min(1), number: z.int().min(1) });
export type SecureSession = z.infer<typeof sessionSchema>;

/** What a site says when a session begins. */
const advertisementSchema = z.object({
  /** X25519, raw: for the masks that two sites have in common. Of this session alone. */
  maskKey: bytes(32),
  /** X25519, raw: for the boxes in which shares travel. Of this session alone. */
  boxKey: bytes(32),
  /** SHA-256 of the seed of the mask that the site has for itself. */
  seedSha256: bytes(32),
  /** Of all this, the session and its settings, by the key of the site's certificate. */
  signature,
  /** PEM: whose key that is. */
  certificate: z.string().max(10_000),
});
export type Advertisement = z.infer<typeof advertisementSchema>;

const ofSite = { siteId: siteIdSchema };
const sites = z.array(siteIdSchema).max(5000);
/** IV, ciphertext and tag of AES-256-GCM: for one site's eyes. */
const box = z.string().regex(/^[A-Za-z0-9_-]{64,2000}$/);
const share = z.string().regex(/^[A-Za-z0-9_-]{4,200}$/);
const shares = z.array(z.object({ ...ofSite, share })).max(5000);

const session = { session: sessionSchema };

export const secureKeysBodySchema = z.object({
  kind: z.literal('secure-keys'),
  ...session,
  settings: secureAggregationSchema,
  /** All sites of the job. */
  participants: sites,
});
export const secureSharesBodySchema = z.object({
  kind: z.literal('secure-shares'),
  ...session,
  /** Who takes part. */
  roster: z.array(z.object({ ...ofSite, ...advertisementSchema.shape })).max(5000),
});
export const secureInputBodySchema = z.object({
  kind: z.literal('secure-input'),
  ...session,
  /** The weights that the site was sent to train from. */
  weights: blobIdSchema,
  /** From those with whom the site shares masks, as far as they still take part. */
  boxes: z.array(z.object({ ...ofSite, box })).max(5000),
});
export const secureSurvivorsBodySchema = z.object({
  kind: z.literal('secure-survivors'),
  ...session,
  /** Whose masked weights are in the sum. */
  survivors: sites,
});
export const secureUnmaskBodySchema = z.object({
  kind: z.literal('secure-unmask'),
  ...session,
  survivors: sites,
  /** Of those who agree that these are the survivors. */
  signatures: z.array(z.object({ ...ofSite, signature })).max(5000),
});

/** The answer to a training task of which the weights stay at the site until they are masked. */
export const withheldContributionSchema = z.object({
  kind: z.literal('withheld'),
  steps: z.int().min(0),
  filters: filterNamesSchema.optional(),
});
export const secureKeysContributionSchema = z.object({
  kind: z.literal('secure-keys'),
  ...advertisementSchema.shape,
});
export const secureSharesContributionSchema = z.object({
  kind: z.literal('secure-shares'),
  boxes: z.array(z.object({ ...ofSite, box })).max(5000),
});
export const secureInputContributionSchema = z.object({
  kind: z.literal('secure-input'),
  /** Little-endian unsigned integers of the session's width: the number of cases, then every number of the weights. */
  masked: blobIdSchema,
});
export const secureSurvivorsContributionSchema = z.object({ kind: z.literal('secure-survivors'), signature });
export const secureUnmaskContributionSchema = z.object({
  kind: z.literal('secure-unmask'),
  /** Shares of the seeds of survivors' own masks. */
  seeds: shares,
  /** Shares of the mask keys of sites that shared and are not among the survivors. */
  maskKeys: shares,
});
