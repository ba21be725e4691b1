/** What is done to a file at the door before anything is written: a function of its bytes, the secret and the profile alone. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { type Deidentification, Pseudonyms, parsePart10 } from '@consilium/imaging';
import type { ArchiveError } from './archive-error.ts';
import { sha256Of } from './store/content-directory.ts';
import { type InstanceHeader, readInstanceHeader } from './store/instance-header.ts';
import type { QuarantineReason } from './store/quarantine.ts';

/** A function of the file and the archive's secret alone, so that files may come in any order. */
export type Deidentify = (bytes: Uint8Array) => Deidentification | Promise<Deidentification>;

export type Preparation =
  | {
      readonly kind: 'prepared';
      /** Keyed digest of the file as it came. */
      readonly source: Uint8Array;
      readonly file: Extract<Deidentification, { kind: 'deidentified' }>;
      /** Of the file as it is now, hexadecimal. */
      readonly sha256: string;
      readonly header: InstanceHeader;
    }
  | {
      readonly kind: 'refused';
      readonly source: Uint8Array;
      /** The pseudonym of its SOP Instance UID, if that can be read. */
      readonly sopInstanceUid: string | undefined;
      readonly reason: QuarantineReason;
    };

export class Preparer {
  readonly #key: KeyObject;
  readonly #pseudonyms: Pseudonyms;
  readonly #deidentify: Deidentify;

  /** @param secret keys the digests of files as they came. */
  constructor({ secret, deidentify }: { secret: Uint8Array; deidentify: Deidentify }) {
    this.#key = createSecretKey(secret);
    this.#pseudonyms = new Pseudonyms(secret);
    this.#deidentify = deidentify;
  }

  async prepare(bytes: Uint8Array): Promise<Preparation> {
    const source = this.sourceOf(bytes);
    try {
      const file = await this.#deidentify(bytes);
      if (file.kind === 'refused') return this.#refused(bytes, source, file.reason);
      const header = readInstanceHeader(file.bytes);
      return { kind: 'prepared', source, file, sha256: sha256Of(file.bytes), header };
    } catch (error) {
      const { code, message, detail } = error as Partial<ArchiveError>;
      if (typeof code !== 'string' || !/^(?:imaging|archive)\./.test(code)) throw error;
      return this.#refused(bytes, source, { code, message: message!, detail });
    }
  }

  #refused(bytes: Uint8Array, source: Uint8Array, reason: QuarantineReason): Preparation {
    const uid = statedUidOf(bytes);
    return { kind: 'refused', source, reason, sopInstanceUid: uid && this.#pseudonyms.uid(uid) };
  }

  sourceOf(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(createHmac('sha256', this.#key).update(bytes).digest());
  }
}

function statedUidOf(bytes: Uint8Array): string | undefined {
  try {
    return parsePart10(bytes).data.text('SOPInstanceUID');
  } catch {
    return undefined;
  }
}
