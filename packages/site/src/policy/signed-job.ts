/**
 * A job as a member signed it, checked: who signed, in which project, when, and that this is what they signed. The
 * coordinator hands it on and is not believed.
 */
import { type Submission, submissionSchema } from '@consilium/federation';
import {
  decodeMandate,
  type Json,
  type Mandate,
  type MandateSignature,
  mandateStatement,
  ProtocolError,
} from '@consilium/protocol';
import { signingMemberOf } from '@consilium/transport';
import { SiteError } from '../site-error.ts';

interface Signatory {
  readonly member: string;
  /** As people read it: 64 hexadecimal digits in groups. */
  readonly keyFingerprint: string;
  readonly signedAt: string;
}

export interface SignedJob {
  readonly submission: Submission;
  /** As it was signed, for what is shown to people. */
  readonly text: Json;
  readonly submitter: Signatory;
  /** Others, each once. */
  readonly reviewers: readonly Signatory[];
}

export interface SigningContext {
  readonly project: string;
  /** The certificate of the project's authority, PEM. */
  readonly authority: string;
  readonly nowMs: number;
}

/** Clocks of hospitals differ. */
const skewMs = 10 * 60_000;

/** @throws SiteError `site.mandate-invalid` */
export function readSignedJob(bytes: Uint8Array, context: SigningContext): SignedJob {
  const mandate = parsed(bytes);
  const signatories = mandate.signatures.map((signature) => ({
    as: signature.as,
    ...signatoryOf(mandate, signature, context),
  }));
  const submitters = signatories.filter(({ as }) => as === 'submitter');
  if (submitters.length !== 1) throw invalid('it has no submitter, or several');
  const { data, success } = submissionSchema.safeParse(mandate.submission);
  if (!success) throw invalid('what was signed is no job');
  const [{ as: _, ...submitter }] = submitters as [(typeof signatories)[number]];
  const reviewers = new Map(
    signatories
      .filter(({ as }) => as === 'reviewer')
      .map(({ as: _, ...signatory }) => [signatory.keyFingerprint, signatory] as const),
  );
  return { submission: data, text: mandate.submission, submitter, reviewers: [...reviewers.values()] };
}

function parsed(bytes: Uint8Array): Mandate {
  try {
    return decodeMandate(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw invalid('it cannot be read');
  }
}

function signatoryOf(
  mandate: Mandate,
  signed: MandateSignature,
  { project, authority, nowMs }: SigningContext,
): Signatory {
  const { certificate, signedAt, signature } = signed;
  if (mandate.project !== project) throw invalid('it was signed for another project');
  const signedMs = Date.parse(signedAt);
  if (signedMs > nowMs + skewMs) throw invalid('it was signed in the future');
  const claim = {
    certificate,
    statement: mandateStatement(mandate, signed),
    signature: Buffer.from(signature, 'base64'),
  };
  const signatory = signingMemberOf(claim, { authority, project, nowMs: signedMs });
  if (signatory === null) throw invalid(`the signature of the ${signed.as} is not that of a member of the project`);
  return { ...signatory, signedAt };
}

function invalid(why: string): SiteError {
  const text = `The job that the task belongs to was not signed as it should be: ${why}.`;
  return new SiteError('site.mandate-invalid', text, { lasting: true });
}
