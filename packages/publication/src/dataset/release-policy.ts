/**
 * What a site lets out of its archive as a data set: a file of its own (`publication.yaml` in the archive's directory). Without
 * it, statistics alone.
 */
import { z } from 'zod';
import { PublicationError } from '../publication-error.ts';

export const datasetForms = ['statistics', 'bids', 'nnunet', 'dicom'] as const;
export type DatasetForm = (typeof datasetForms)[number];

const policySchema = z.strictObject({
  /** Forms that may be written; all but `statistics` hold images. */
  allow: z.array(z.enum(datasetForms)).readonly(),
  /** Only these cohorts; absent: any. */
  cohorts: z.array(z.string().min(1)).readonly().exactOptional(),
  /** Counts of fewer patients are not told, and no data set of fewer is written. */
  minimumPatients: z.int().min(1).default(5),
});
export type ReleasePolicy = Readonly<z.infer<typeof policySchema>>;

export const defaultReleasePolicy: ReleasePolicy = { allow: ['statistics'], minimumPatients: 5 };

/** @throws PublicationError `publication.policy-malformed` */
export function parseReleasePolicy(value: unknown): ReleasePolicy {
  const parsed = policySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new PublicationError('publication.policy-malformed', `What may be released: ${problems.join('; ')}`);
}

/** @throws PublicationError `publication.release-forbidden`, `publication.too-few-patients` */
export function checkRelease(
  policy: ReleasePolicy,
  { form, cohort, patients }: { readonly form: DatasetForm; readonly cohort: string; readonly patients: number },
): void {
  if (!policy.allow.includes(form) || (policy.cohorts !== undefined && !policy.cohorts.includes(cohort))) {
    throw new PublicationError(
      'publication.release-forbidden',
      'The site does not let this cohort out in this form. Who may decide writes it in publication.yaml.',
    );
  }
  if (patients < policy.minimumPatients) {
    throw new PublicationError(
      'publication.too-few-patients',
      `The cohort has fewer than ${policy.minimumPatients} patients: they might be recognised.`,
    );
  }
}
