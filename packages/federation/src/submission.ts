/** What can be submitted to a coordinator: a training job, a question to several sites, or a comparison of their patients; and whether it is the same. */
import {
  blobIdSchema,
  canonicalJson,
  decodeMandate,
  type Json,
  jobIdSchema,
  mandateBytesMax,
  ProtocolError,
  siteIdSchema,
  taskBodySchema,
} from '@consilium/protocol';
import { z } from 'zod';
import { getBlob } from './blob.ts';
import { FederationError } from './federation-error.ts';
import { jobSchema } from './job.ts';
import { overlapSchema } from './overlap.ts';
import type { Store } from './store.ts';

const surveySchema = z.object({
  kind: z.literal('survey'),
  jobId: jobIdSchema,
  participants: z.array(siteIdSchema).min(1),
  /** The same task for every site. */
  task: taskBodySchema,
  minimumSites: z.int().min(0),
  stragglerMs: z.number().positive(),
  attempts: z.int().min(1),
  /** The question as it was signed, in the store; absent where nobody signed it. */
  mandate: blobIdSchema.optional(),
});

export const submissionSchema = z.discriminatedUnion('kind', [jobSchema, surveySchema, overlapSchema]);
export type Submission = z.infer<typeof submissionSchema>;

/** @throws FederationError `federation.bad-job` */
export function parseSubmission(received: unknown): Submission {
  const parsed = submissionSchema.safeParse(received);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new FederationError('federation.bad-job', `The job is wrong at "${path.join('.')}": ${message}.`);
}

/** Whether two submissions ask for the same, whoever signed them and whenever. */
export function isSameSubmission(one: Submission, other: Submission): boolean {
  const asked = ({ mandate: _, ...rest }: Submission) => canonicalJson(rest as unknown as Json);
  return asked(one) === asked(other);
}

/**
 * Who signed it is for the sites to check, who trust no coordinator; that it is what was signed, for this side too, so
 * that a mistake is told to whoever makes it.
 * @throws FederationError `federation.mandate-mismatch`
 */
export async function checkMandate(submission: Submission, store: Store): Promise<void> {
  const { mandate, jobId } = submission;
  if (mandate === undefined) return;
  const mismatch = (why: string) =>
    new FederationError('federation.mandate-mismatch', `Job ${jobId}: ${why} Sign what is submitted, and as it is.`);
  const manifest = await store.getManifest(mandate);
  if (manifest === undefined || manifest.bytes > mandateBytesMax)
    throw mismatch('its signed form is not in the store.');
  try {
    const signed = submissionSchema.safeParse(decodeMandate(await getBlob(store, mandate)).submission);
    if (signed.success && isSameSubmission(signed.data, submission)) return;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw mismatch('what was signed is not what is submitted.');
}
