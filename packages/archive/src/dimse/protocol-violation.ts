/** What is thrown when the other side of an association does what PS3.8 or PS3.7 does not allow. */
import { ArchiveError } from '../archive-error.ts';

/** @param detail what was wrong, for the local log. */
export function protocolViolation(detail: string): ArchiveError {
  return new ArchiveError('archive.dimse-protocol', 'The other side does not keep to the DICOM protocol.', { detail });
}
