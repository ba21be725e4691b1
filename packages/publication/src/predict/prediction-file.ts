/** A prediction as a file: a DICOM Segmentation of the series that was segmented, or NIfTI. */
import {
  encodeNifti,
  type LabelMap,
  type SegmentInfo,
  type SeriesInfo,
  segmentNamed,
  uidOf,
  writeDicomSegmentation,
} from '@consilium/imaging';
import type { Plan } from '@consilium/training';
import { PublicationError } from '../publication-error.ts';

/** ISO 8601, UTC. @throws PublicationError `publication.date-malformed` */
export function predictionTime(date: string): string {
  const time = new Date(date);
  if (Number.isNaN(time.getTime())) {
    throw new PublicationError(
      'publication.date-malformed',
      'The date is none of ISO 8601, such as 2026-11-26T12:00:00Z.',
    );
  }
  return time.toISOString();
}

export interface PredictedBy {
  readonly plan: Pick<Plan, 'classes'>;
  /** Names the model. */
  readonly weightsSha256: string;
  /** Of the software. */
  readonly version: string;
}

/**
 * The same prediction of the same series by the same model has the same UIDs, so that an archive that gets it twice keeps
 * one.
 * @throws PublicationError `publication.output-not-possible` without a series
 * @param labels class values of the plan, on the grid of the series
 * @param madeAt ISO 8601, UTC
 */
export function predictionAsDicom(
  labels: LabelMap,
  series: SeriesInfo | undefined,
  { plan, weightsSha256, version, madeAt }: PredictedBy & { readonly madeAt: string },
): Uint8Array {
  if (series === undefined) {
    throw new PublicationError(
      'publication.output-not-possible',
      'NIfTI says nothing that a DICOM segmentation could refer to. Name a file that ends in .nii.gz.',
    );
  }
  const numbers = new Uint8Array(256);
  plan.classes.forEach(({ value }, index) => {
    numbers[value] = index + 1;
  });
  const renumbered = { geometry: labels.geometry, voxels: labels.voxels.map((value) => numbers[value]!) };
  const name = `Consilium ${weightsSha256.slice(0, 12)}`;
  return writeDicomSegmentation(renumbered, segmentsOf(plan, name), series, {
    seriesInstanceUid: uidOf('prediction series', series.instanceUid, weightsSha256, madeAt),
    sopInstanceUid: uidOf('prediction', series.instanceUid, weightsSha256, madeAt),
    seriesDescription: 'Automatic segmentation',
    contentLabel: 'SEGMENTATION',
    contentDescription: 'Segmentation by a model; not reviewed',
    contentCreator: 'Consilium',
    contentDate: madeAt.slice(0, 10).replaceAll('-', ''),
    contentTime: madeAt.slice(11, 19).replaceAll(':', ''),
    manufacturer: 'Consilium',
    model: name,
    softwareVersion: version,
  });
}

export function predictionAsNifti(labels: LabelMap, { weightsSha256 }: PredictedBy, isZipped: boolean): Uint8Array {
  return encodeNifti(labels, { description: `Consilium ${weightsSha256.slice(0, 12)}`, gzip: isZipped });
}

/** Numbered from 1 in the order of the plan's classes. */
function segmentsOf({ classes }: Pick<Plan, 'classes'>, algorithmName: string): readonly SegmentInfo[] {
  return classes.map(({ name }, index) =>
    segmentNamed(name, { number: index + 1, algorithmType: 'AUTOMATIC', algorithmName }),
  );
}
