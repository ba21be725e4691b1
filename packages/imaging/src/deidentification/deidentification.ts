/** What de-identification makes of one file: another file and an account of it, or a refusal. */
import type { DicomFile } from '../dicom/part10.ts';
import type { ImagingErrorCode } from '../imaging-error.ts';
import type { DeidentificationProfile } from './profile.ts';

export interface DeidentificationOptions {
  readonly profile?: DeidentificationProfile;
  /** Keys pseudonyms, UIDs and date shifts; at least 32 bytes. Who has it can tell them from the originals. */
  readonly secret: Uint8Array;
  /** Makes compressed pixels plain where regions of them have to be made black; without it such files are refused. */
  readonly decodePixels?: DecodePixels;
}

/** All frames one after the other as native pixels, little endian, or undefined where the compression is not known. */
export type DecodePixels = (file: DicomFile) => DecodedPixels | undefined | Promise<DecodedPixels | undefined>;

export interface DecodedPixels {
  readonly bytes: Uint8Array;
  /** Where decoding changes it, as from YBR to RGB. */
  readonly photometricInterpretation?: string;
}

export type Deidentification =
  | {
      readonly kind: 'deidentified';
      /** A DICOM file, explicit little endian unless its pixels are compressed, or big endian and of more than 16 bits. */
      readonly bytes: Uint8Array;
      /** As `SUB-7K3QX2M4ZD`: the new Patient ID and Name. */
      readonly subject: string;
      readonly changes: readonly AttributeChange[];
      readonly identity: OriginalIdentity;
    }
  | { readonly kind: 'refused'; readonly reason: RefusalReason };

export interface RefusalReason {
  readonly code: ImagingErrorCode;
  /** Public: holds nothing read from the file. */
  readonly message: string;
  /** For the local log: may hold values of the file. */
  readonly detail: string | undefined;
}

/** One kind of change; never a value. Attributes without a change are not listed. */
export interface AttributeChange {
  /** Eight hexadecimal digits: that of the attribute within the innermost sequence; `00080000` and alike stand for nothing. */
  readonly tag: string;
  readonly action: 'removed' | 'emptied' | 'replaced' | 'remapped' | 'shifted' | 'cleaned' | 'blanked' | 'retained';
  /** The rule that did it, such as `basic profile X` or `clean descriptors`. */
  readonly reason: string;
  readonly count: number;
}

/** What the file said, by keyword, for a map of identities that is kept apart. Empty values are left out. */
export interface OriginalIdentity {
  readonly subject: Readonly<Record<string, string>>;
  readonly study: Readonly<Record<string, string>>;
  readonly series: Readonly<Record<string, string>>;
  /** From what the subject's pseudonym follows; `study` where the file names no patient. */
  readonly subjectFrom: 'patient-id' | 'name-and-birth-date' | 'study';
  readonly pseudonyms: {
    readonly subject: string;
    readonly studyInstanceUid: string;
    readonly seriesInstanceUid: string;
    readonly sopInstanceUid: string;
    /** Days by which dates were moved; 0 where they were not. */
    readonly dateShiftDays: number;
  };
}
