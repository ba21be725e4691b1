/**
 * What a sender is told about an instance (PS3.4 B.2.3). A PACS takes 0000 as done, Bxxx as done with a remark in its log,
 * A7xx as a reason to send again later, and A9xx and Cxxx as failed for good, which somebody has to look at.
 */
import type { Admission, Door } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import type { Message } from './association.ts';
import { receivedFile } from './received-file.ts';

interface StoreAnswer {
  readonly status: number;
  /** At most 64 characters, none of them from the instance. */
  readonly errorComment?: string;
}

export const storeStatuses = {
  success: 0x0000,
  /** PS3.7 annex C. */
  processingFailure: 0x0110,
  notAuthorized: 0x0124,
  outOfResources: 0xa700,
  dataSetDoesNotMatch: 0xa900,
  /** In quarantine: it need not be sent again, and failing would make a PACS do just that. */
  quarantined: 0xb007,
  cannotUnderstand: 0xc000,
} as const;

/** Hands what was sent to the door, and waits until the door's answer is durable. */
export async function answerStore(
  { command, context, data }: Message,
  { door, callingAeTitle }: { door: Door; callingAeTitle: string },
): Promise<StoreAnswer> {
  const { affectedSopClassUid: sopClassUid, affectedSopInstanceUid: sopInstanceUid } = command;
  if (sopClassUid === undefined || sopInstanceUid === undefined || data === undefined) {
    return { status: storeStatuses.cannotUnderstand, errorComment: 'Without SOP class, SOP instance or data set' };
  }
  if (sopClassUid !== context.abstractSyntax) {
    return { status: storeStatuses.dataSetDoesNotMatch, errorComment: 'Not the SOP class of its presentation context' };
  }
  if (data.tooLong) return { status: storeStatuses.cannotUnderstand, errorComment: 'Larger than this archive takes' };
  const transferSyntaxUid = context.transferSyntax;
  const meta = { sopClassUid, sopInstanceUid, transferSyntaxUid, sourceAeTitle: callingAeTitle };
  return answerOf(() => door.admit(receivedFile(meta, data.takeParts()), { kind: 'dimse', callingAeTitle }));
}

async function answerOf(admit: () => Promise<Admission>): Promise<StoreAnswer> {
  let admission: Admission;
  try {
    admission = await admit();
  } catch (error) {
    if (!(error instanceof ArchiveError)) return { status: storeStatuses.processingFailure };
    // No fault of the instance: the disk is full or not writable, which passes.
    return { status: storeStatuses.outOfResources, errorComment: error.code };
  }
  if (admission.kind !== 'refused') return { status: storeStatuses.success };
  const { code, quarantineId } = admission;
  if (quarantineId === undefined) return { status: storeStatuses.notAuthorized, errorComment: `Refused: ${code}` };
  return { status: storeStatuses.quarantined, errorComment: `Quarantined: ${code}`.slice(0, 64) };
}
