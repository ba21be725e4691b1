/**
 * Federated statistics: numbers about a site's variables (case volumes, spacings) from which those of all sites together
 * follow. Two rounds: sums first, then counts between edges that are the same everywhere. A site answers only for groups
 * of at least `minimumCount`, so that no number is about one patient.
 */
import { z } from 'zod';

/** What a variable is called: `tumour-volume-ml`. */
const variableName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$/);
const finite = z.number();

export const statisticsBodySchema = z.object({
  kind: z.literal('statistics'),
  /** The smallest group that a site may answer for. A site may insist on more. */
  minimumCount: z.int().min(1),
  question: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('summary'),
      variables: z.array(variableName).min(1).max(1000),
      /**
       * `none`: not answered. Else each end is moved outward by a random share of the range, at most so large; with 0 the
       * ends are exact, and each is the number of one patient. A site may insist on a share of its own.
       */
      range: z.union([z.literal('none'), z.object({ widenedByMax: z.number().min(0).max(10) })]),
    }),
    z.object({
      kind: z.literal('histogram'),
      /** Ascending, at least two. The bins: below the first, between each two, above the last. */
      edges: z.record(
        variableName,
        z
          .array(finite)
          .min(2)
          .max(10_001)
          .refine((edges) => edges.every((edge, index) => index === 0 || edges[index - 1]! < edge), 'must ascend'),
      ),
    }),
  ]),
});

/** Sums over a site's values of one variable. */
const summarySchema = z.object({
  count: z.int().min(1),
  sum: finite,
  /** Sum of the squared differences from the site's own mean. */
  squaredDeviations: z.number().min(0),
  /** null where the range was not asked for. */
  range: z.object({ min: finite, max: finite }).nullable(),
});
export type VariableSummary = z.infer<typeof summarySchema>;

const histogramSchema = z.object({
  count: z.int().min(1),
  /** One more than there are edges. null: fewer than the minimum count, none included. */
  bins: z.array(z.int().min(1).nullable()).max(10_002),
});
export type VariableHistogram = z.infer<typeof histogramSchema>;

/** By variable; null where the site has too few values, or none. */
export const statisticsContributionSchema = z.object({
  kind: z.literal('statistics'),
  answer: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('summary'), variables: z.record(variableName, summarySchema.nullable()) }),
    z.object({ kind: z.literal('histogram'), variables: z.record(variableName, histogramSchema.nullable()) }),
  ]),
});
