/**
 * That what is given out was de-identified, looked at in the files themselves (PS3.15 annex E, E.1.1 step 6): every instance
 * says so, and says how; none says that something is burned into its pixels.
 */
import { parsePart10 } from '@consilium/imaging';
import { PublicationError } from '../publication-error.ts';

export interface DeidentificationProof {
  readonly kind: 'consilium-deidentification-proof-1';
  /** DICOM instances that were looked at. */
  readonly instances: number;
  /** With Patient Identity Removed (0012,0062) YES. */
  readonly identityRemoved: number;
  /** Of CID 7050, code to how many instances name it. */
  readonly methods: Readonly<Record<string, number>>;
  /** With Burned In Annotation (0028,0301) YES: must be none. */
  readonly burnedIn: number;
  /** Images that came as NIfTI: their headers were written anew as they came in, and are again here. */
  readonly withoutHeaders: number;
}

export class DeidentificationCheck {
  #instances = 0;
  #identityRemoved = 0;
  #burnedIn = 0;
  #withoutHeaders = 0;
  readonly #methods = new Map<string, number>();

  addImageWithoutHeader(): void {
    this.#withoutHeaders += 1;
  }

  /** @throws PublicationError `publication.not-deidentified` */
  addInstance(bytes: Uint8Array): void {
    const { data } = parsePart10(bytes);
    this.#instances += 1;
    const isRemoved = data.text('PatientIdentityRemoved') === 'YES';
    const isBurnedIn = data.text('BurnedInAnnotation') === 'YES';
    this.#identityRemoved += isRemoved ? 1 : 0;
    this.#burnedIn += isBurnedIn ? 1 : 0;
    for (const item of data.items('DeidentificationMethodCodeSequence')) {
      const code = `${item.text('CodingSchemeDesignator') ?? ''} ${item.text('CodeValue') ?? ''} ${item.text('CodeMeaning') ?? ''}`;
      this.#methods.set(code, (this.#methods.get(code) ?? 0) + 1);
    }
    if (isRemoved && !isBurnedIn) return;
    throw new PublicationError(
      'publication.not-deidentified',
      'An instance of the cohort does not say that it was de-identified, or says that text is burned into it. Nothing more was written.',
    );
  }

  get proof(): DeidentificationProof {
    return {
      kind: 'consilium-deidentification-proof-1',
      instances: this.#instances,
      identityRemoved: this.#identityRemoved,
      methods: Object.fromEntries([...this.#methods].sort(([one], [other]) => (one < other ? -1 : 1))),
      burnedIn: this.#burnedIn,
      withoutHeaders: this.#withoutHeaders,
    };
  }
}
