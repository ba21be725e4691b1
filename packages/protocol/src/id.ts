/** Names of things that cross a hospital's wall. Branded, so that one kind cannot be passed for another. */
import { z } from 'zod';

/** Lower-case letters, digits, `.`, `_` and `-`: safe as a file name and in a URL, and too dull to name a patient. */
const name = z.string().regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/, 'must be 1 to 64 of a-z, 0-9, ".", "_", "-"');

export const siteIdSchema = name.brand<'SiteId'>();
export type SiteId = z.infer<typeof siteIdSchema>;

export const jobIdSchema = name.brand<'JobId'>();
export type JobId = z.infer<typeof jobIdSchema>;

/** One piece of work for one site: `<job>/<round>/<kind>/<site>`. The same however often it is asked for. */
export const taskIdSchema = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[a-z0-9._/-]+$/)
  .brand<'TaskId'>();
export type TaskId = z.infer<typeof taskIdSchema>;

/** A model in a comparison: `federated`, `pooled`, `local-site-1`. */
export const modelNameSchema = name.brand<'ModelName'>();
export type ModelName = z.infer<typeof modelNameSchema>;

/** What a site calls a case when it speaks to others: `case-03`, or `site-1.case-03` where one process holds several. */
export const pseudonymSchema = z
  .string()
  .regex(/^(?:[a-z0-9._-]{1,64}\.)?case-\d{2,6}$/)
  .brand<'Pseudonym'>();
export type Pseudonym = z.infer<typeof pseudonymSchema>;
