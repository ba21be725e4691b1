/** What the door is told about an instance, and what it answers. */

/** How an instance came: for the report and the page, never for a decision. */
export type Origin =
  /** C-STORE, from this AE title. */
  | { readonly kind: 'dimse'; readonly callingAeTitle: string }
  /** STOW-RS, or pulled by WADO-RS, from this peer as the settings name it. */
  | { readonly kind: 'dicomweb'; readonly peer: string }
  /** A watched folder or a folder named on the command line. */
  | { readonly kind: 'folder' }
  /** The browser. */
  | { readonly kind: 'upload' };

/**
 * The door's answer, given when it is durable. What was not admitted is kept in quarantine, encrypted, under
 * `quarantineId`, with `code` for the reason; of a subject that was erased nothing is kept, and the id is undefined.
 */
export type Admission =
  | { readonly kind: 'stored'; readonly sopInstanceUid: string }
  /** The same instance was stored before, with the same content. */
  | { readonly kind: 'duplicate'; readonly sopInstanceUid: string }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      readonly quarantineId: string | undefined;
    };

/** Takes in one instance: de-identifies it, stores it, lists it in the catalogue. */
export interface Door {
  /**
   * @param bytes a DICOM file (PS3.10), as it came, identified. Not kept.
   * @throws ArchiveError only for what is no fault of the instance: `archive.disk-full`, `archive.not-writable`
   */
  admit(bytes: Uint8Array, origin: Origin): Promise<Admission>;
}
