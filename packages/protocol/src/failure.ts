/**
 * Why a site could not do a task, in words that may leave the hospital. The message is written by us for the code and
 * holds nothing read from an image, a header or a path; the site keeps the detail in its own log.
 */
import { z } from 'zod';

export const failureSchema = z.object({
  /** `<package>.<kebab-reason>`; explained in docs/errors/. */
  code: z.string().regex(/^[a-z]+\.[a-z0-9]+(?:-[a-z0-9]+)*$/),
  message: z.string().max(2000),
  /** True if asking again cannot help until a person at the site has acted: the site is not asked again in this job. */
  lasting: z.boolean(),
  /** True if the same may well succeed at once: the process that worked on it was lost. */
  worthRetrying: z.boolean().optional(),
  /** Where in our own code it happened, innermost first: `function (file.ts:line)`. Absent where that says nothing. */
  stack: z.array(z.string().max(200)).max(30).optional(),
});
export type Failure = z.infer<typeof failureSchema>;
