/**
 * Series that are looked at beside a case: of the same subject and the same study, or an earlier one. Images only, told of by
 * what their headers state in codes and numbers: neither labels nor free text, which could tell of other readers. Later studies
 * would tell how it went on.
 */
import type { Catalogue } from '@consilium/archive';
import { ReadingError } from '../reading-error.ts';

export interface BesideSeries {
  readonly seriesInstanceUid: string;
  /** Of its study. */
  readonly number: number | undefined;
  readonly modality: string | undefined;
  readonly phase: string | undefined;
  /** YYYYMMDD, as de-identified. */
  readonly date: string | undefined;
  readonly isSameStudy: boolean;
  readonly slices: number;
}

/** What is no image of a patient, such as a segmentation or a picture of a screen, is not shown. */
const imageModalities: ReadonlySet<string | undefined> = new Set(['CT', 'MR', 'PT', 'NM', 'US']);

type Books = Pick<Catalogue, 'seriesDetails' | 'studiesOf' | 'seriesOf'>;

/** The same study first, then the latest of the earlier ones. @throws ArchiveError `archive.series-unknown` */
export function seriesBeside(catalogue: Books, seriesInstanceUid: string): readonly BesideSeries[] {
  const { patientId, studyDate, studyInstanceUid } = catalogue.seriesDetails(seriesInstanceUid);
  const isBefore = (date: string | undefined) => date !== undefined && studyDate !== undefined && date <= studyDate;
  return catalogue
    .studiesOf(patientId)
    .filter((study) => study.studyInstanceUid === studyInstanceUid || isBefore(study.date))
    .toSorted(
      (one, other) =>
        Number(other.studyInstanceUid === studyInstanceUid) - Number(one.studyInstanceUid === studyInstanceUid) ||
        (other.date ?? '').localeCompare(one.date ?? ''),
    )
    .flatMap((study) => catalogue.seriesOf(study.studyInstanceUid))
    .flatMap((entry) => {
      const { geometry, modality, number, phase, state } = entry;
      const isShown = state === 'described' && (entry.format === 'file' || imageModalities.has(modality));
      if (entry.seriesInstanceUid === seriesInstanceUid || geometry === undefined || !isShown) return [];
      const isSameStudy = entry.studyInstanceUid === studyInstanceUid;
      const facts = { number, modality, phase, date: entry.studyDate, isSameStudy, slices: geometry.size[0] };
      return [{ seriesInstanceUid: entry.seriesInstanceUid, ...facts }];
    });
}

/** @throws ReadingError `reading.series-unknown` for one that is not looked at beside the case */
export function checkBeside(catalogue: Books, seriesInstanceUid: string, other: string): void {
  if (!seriesBeside(catalogue, seriesInstanceUid).some((one) => one.seriesInstanceUid === other)) {
    throw new ReadingError('reading.series-unknown', 'The case has no such series beside it.');
  }
}
