/**
 * The UIDs of a file whose data set was stripped of them: class and instance from the file meta information, which repeats
 * them (PS3.10 7.1); study and series from whoever knows what belongs together.
 */
import { Dataset } from '../dicom/dataset.ts';
import { datasetOf } from '../dicom/encode.ts';
import type { DicomFile } from '../dicom/part10.ts';
import { ImagingError } from '../imaging-error.ts';

/** Original UIDs, as the file could have stated them. */
export interface StatedGroup {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
}

/** The file with what it lacks. @throws ImagingError `imaging.dicom-ungrouped` if study or series is stated nowhere. */
export function withStatedUids(file: DicomFile, group?: StatedGroup): DicomFile {
  const { data, meta } = file;
  const isMissing = (keyword: 'StudyInstanceUID' | 'SeriesInstanceUID') => (data.text(keyword) ?? '') === '';
  if ((isMissing('StudyInstanceUID') || isMissing('SeriesInstanceUID')) && group === undefined) {
    throw new ImagingError(
      'imaging.dicom-ungrouped',
      'the file was stripped of the UIDs that say which study and series it belongs to',
    );
  }
  const known = {
    SOPClassUID: meta?.text('MediaStorageSOPClassUID'),
    SOPInstanceUID: meta?.text('MediaStorageSOPInstanceUID'),
    StudyInstanceUID: group?.studyInstanceUid,
    SeriesInstanceUID: group?.seriesInstanceUid,
  };
  const missing = Object.entries(known).filter(([keyword, uid]) => {
    return (data.text(keyword as keyof typeof known) ?? '') === '' && (uid ?? '') !== '';
  });
  if (missing.length === 0) return file;
  const added = datasetOf(Object.fromEntries(missing)).elements;
  const tags = new Set(added.map(({ tag }) => tag));
  const elements = [...data.elements.filter(({ tag }) => !tags.has(tag)), ...added].sort((a, b) => a.tag - b.tag);
  const { littleEndian, explicit } = data;
  return { ...file, data: new Dataset(elements, { littleEndian, explicit }) };
}
