/**
 * What the people of a project say of a model that is given away: what a machine cannot know. In the form that
 * `consilium publish` takes with `--about`.
 */
import { z } from 'zod';

/** SPDX names of licences that models are published under, and what they ask. */
export const licences = {
  'Apache-2.0': 'use, change and sell; name us, with a grant of patents',
  MIT: 'use, change and sell; name us',
  'CC-BY-4.0': 'share and change, also commercially; name us',
  'CC-BY-NC-4.0': 'share and change, not commercially; name us',
  'CC-BY-NC-SA-4.0': 'not commercially, and on under the same terms: where training data asks for it',
} as const;

const text = (max: number) => z.string().trim().min(1, 'must not be empty').max(max);
const orcid = z
  .string()
  .regex(/^https:\/\/orcid\.org\/\d{4}-\d{4}-\d{4}-\d{3}[\dX]$/, 'must be as https://orcid.org/0000-0002-1825-0097');

export const publicationSchema = z.strictObject({
  title: text(300),
  /** For somebody who has never heard of it. */
  description: text(5000),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'must be as 1.0.0'),
  date: z.iso.date('must be as 2026-11-26'),
  authors: z
    .array(z.strictObject({ name: text(200), orcid: orcid.exactOptional(), affiliation: text(300).exactOptional() }))
    .min(1, 'must name somebody')
    .max(200),
  licence: z.enum(Object.keys(licences) as [keyof typeof licences, ...(keyof typeof licences)[]]),
  contact: text(300).exactOptional(),
  /** For what, by whom, on which images. */
  intendedUse: text(5000),
  /** For what it must not be used. */
  outOfScope: text(5000).exactOptional(),
  /** Where it must not be trusted: a sentence each. */
  limitations: z.array(text(1000)).min(1, 'must name one').max(50),
});
export type Publication = z.infer<typeof publicationSchema>;
