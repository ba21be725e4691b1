/** Whether a file that was not taken in, or a path, is of a subject that is to be erased. */
import { ImagingError, Pseudonyms, parsePart10, subjectKeyOf } from '@consilium/imaging';
import type { IdentityFacts } from '../store/identity-map.ts';

/** Shorter values stand in other patients' files by chance. */
const charactersMin = 4;
/** What names a person, not what many share. */
const naming = ['PatientID', 'PatientName', 'Name'] as const;

export class SubjectTraces {
  readonly #patientId: string;
  readonly #pseudonyms: Pseudonyms;
  readonly #names: readonly string[];

  constructor(patientId: string, { facts, secret }: { facts: readonly IdentityFacts[]; secret: Uint8Array }) {
    this.#patientId = patientId;
    this.#pseudonyms = new Pseudonyms(secret);
    const names = facts.flatMap((one) => naming.flatMap((keyword) => one[keyword] ?? []));
    this.#names = names.filter((name) => name.length >= charactersMin);
  }

  /** A DICOM file by whom it names; what cannot be read as one, by the names that stand in it. */
  isIn(bytes: Uint8Array): boolean {
    try {
      const { data } = parsePart10(bytes, { beforePixels: true });
      return this.#pseudonyms.subject(subjectKeyOf(data).key) === this.#patientId;
    } catch (error) {
      if (!(error instanceof ImagingError)) throw error;
      const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return this.#names.some((name) => content.includes(name, 0, 'utf8') || content.includes(name, 0, 'latin1'));
    }
  }

  isInPath(path: string): boolean {
    return this.#names.some((name) => path.includes(name));
  }
}
