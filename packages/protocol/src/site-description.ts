/**
 * What a site's training cases are like beyond what a plan needs: counts of groups and sums over cases, from which follows how
 * sites differ and what harmonisation would do about it. No value of a case, no bin of one case; a group of fewer patients
 * than `minimumCount` is not told, nor what would tell of it.
 */
import { z } from 'zod';

const word = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$/);
const finite = z.number();

const featureMomentsSchema = z.object({
  /** `class-2-volume-log-ml`, `class-1-hu-mean`, `slice-thickness-mm`. */
  name: word,
  /** Of contrast enhancement; null: unknown, or too rare at the site to be told apart. */
  phase: word.nullable(),
  /** Cases. */
  count: z.int().min(1),
  sum: finite,
  /** Sum of the squared differences from the mean of these cases. */
  squaredDeviations: z.number().min(0),
});
export type FeatureMoments = Readonly<z.infer<typeof featureMomentsSchema>>;

export const siteDescriptionSchema = z.object({
  /** The smallest group, in patients, that the site tells of. */
  minimumCount: z.int().min(1),
  /** Cases by group, by kind of group (`vendor`, `kernel`), of the kinds that the site tells; without groups too rare. */
  groups: z.record(word, z.record(word, z.int().min(1))),
  /** Of each feature and phase. */
  features: z.array(featureMomentsSchema).max(1000),
});
export type SiteDescription = Readonly<z.infer<typeof siteDescriptionSchema>>;
