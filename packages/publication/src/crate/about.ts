/** What the people who publish have to say: a file that they write (`--about`), since no ledger knows it. */
import type { RehearsalRecord } from '@consilium/study';
import { z } from 'zod';
import { PublicationError } from '../publication-error.ts';

const text = z.string().trim().min(1);

const aboutSchema = z.strictObject({
  title: text,
  /** What it is, for somebody who has never heard of it. */
  description: text,
  /** Semantic: of this publication. */
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** YYYY-MM-DD. */
  date: z.iso.date(),
  authors: z
    .array(
      z.strictObject({
        name: text,
        /** The URI, with https. */
        orcid: z.url().exactOptional(),
        affiliation: text.exactOptional(),
      }),
    )
    .min(1),
  /** SPDX identifier. */
  licence: z.string().regex(/^[A-Za-z0-9.+-]+$/),
  publisher: text.exactOptional(),
  /** Of affiliations and the publisher: name to home page. */
  organisations: z.record(z.string(), z.url()).exactOptional(),
  contact: text.exactOptional(),
  /** Sentences for the model card; a placeholder says so where one is missing. */
  intendedUse: text.exactOptional(),
  outOfScope: text.exactOptional(),
  limitations: z.array(text).exactOptional(),
  ethics: text.exactOptional(),
  /** For the data sheet: heading to answer. */
  dataSheet: z.record(z.string(), text).exactOptional(),
  citation: text.exactOptional(),
});
export type About = Readonly<z.infer<typeof aboutSchema>>;

/** @throws PublicationError `publication.about-malformed`, whose message names the field. */
export function parseAbout(value: unknown): About {
  const parsed = aboutSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${['about', ...path].join('.')}: ${message}`);
  throw new PublicationError('publication.about-malformed', problems.join('; '));
}

/**
 * What can be said without people: of a rehearsal on synthetic patients.
 * @throws PublicationError `publication.about-missing` of any other work
 */
export function aboutOfRehearsal(record: RehearsalRecord | undefined): About {
  if (record?.synthetic !== true) {
    throw new PublicationError(
      'publication.about-missing',
      'Who publishes, under which licence, and what it is for, nobody but you knows. Write it down and name the file with --about.',
    );
  }
  return parseAbout({
    title: record.title,
    description: `The outcome of a rehearsal: ${record.sites.length} simulated hospitals trained one model on synthetic patients, without sharing images.`,
    version: '1.0.0',
    date: record.startedAt.slice(0, 10),
    authors: [{ name: 'A rehearsal of Consilium', affiliation: 'Consilium' }],
    publisher: 'Consilium',
    contact: 'Whoever ran it.',
    citation: `${record.title}. Consilium, ${record.startedAt.slice(0, 4)}.`,
    licence: 'Apache-2.0',
    intendedUse: 'To try Consilium, and to teach with. Not for people.',
    outOfScope: 'Any use on real patients.',
  });
}

export function licenceUri({ licence }: Pick<About, 'licence'>): string {
  return `https://spdx.org/licenses/${licence}`;
}
