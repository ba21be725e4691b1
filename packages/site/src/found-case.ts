/** A case as a site holds it: which files, and whose. */
import type { Split } from '@consilium/protocol';
import type { ContrastPhase } from '@consilium/training';

export type ImageFiles =
  | { readonly kind: 'nifti'; readonly path: string }
  | { readonly kind: 'dicom'; readonly slices: readonly string[] };

export interface SegmentationFile {
  readonly format: 'nifti' | 'dicom-seg';
  readonly path: string;
  /** Of a file that says it not itself: what its numbers mean. Undefined: they are the project's classes. */
  readonly segmentNames?: Readonly<Record<string, string>>;
}

export type CaseFiles =
  | {
      readonly kind: 'labelled';
      readonly image: ImageFiles;
      readonly label: SegmentationFile;
      readonly reference?: SegmentationFile;
    }
  /** An image whose segmentation is missing. */
  | { readonly kind: 'unlabelled' };

export interface FoundCase {
  /** Unique in its directory; the site's own name. */
  readonly name: string;
  readonly patientId: string;
  readonly files: CaseFiles;
  /** Of contrast enhancement, as the archive or `case.json` has it; undefined: unknown. */
  readonly phase?: ContrastPhase;
  /** Where it was drawn before, in an archive; undefined: the site draws. */
  readonly split?: Split;
}
