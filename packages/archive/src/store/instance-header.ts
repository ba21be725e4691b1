/** What the catalogue lists of a DICOM instance: its attributes outside sequences that are text or numbers. */
import { keywordOf, parsePart10 } from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';

/** What an instance, de-identified, states of itself: its attributes by keyword, as text, those without a value left out. */
export interface InstanceHeader {
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  readonly transferSyntaxUid: string;
  /** Of a segmentation: the series on whose grid it is drawn. */
  readonly labelsSeriesUid: string | undefined;
}

/** Values of one attribute; more is a table, not a description. */
const valuesMax = 16;

const binaryVrs: ReadonlySet<string> = new Set(['OB', 'OW', 'OF', 'OD', 'OL', 'OV', 'UN', 'SQ', 'AT']);
const numberVrs: ReadonlySet<string> = new Set(['US', 'SS', 'UL', 'SL', 'FL', 'FD', 'SV', 'UV']);

const required = ['SOPClassUID', 'SOPInstanceUID', 'SeriesInstanceUID', 'StudyInstanceUID'] as const;

/**
 * @param bytes a DICOM file (PS3.10), de-identified.
 * @throws ImagingError `imaging.dicom-*`
 * @throws ArchiveError `archive.instance-incomplete` if it lacks a UID that places it
 */
export function readInstanceHeader(bytes: Uint8Array): InstanceHeader {
  const { data, transferSyntaxUid } = parsePart10(bytes);
  const attributes = new Map<string, readonly string[]>();
  for (const element of data.elements) {
    const keyword = keywordOf(element.tag);
    if (keyword === undefined || binaryVrs.has(element.vr) || element.items !== undefined) continue;
    const values = numberVrs.has(element.vr)
      ? numbersOf(() => data.numbers(keyword))
      : data.textsOf(element).filter((value) => value !== '');
    if (values.length > 0) attributes.set(keyword, values.slice(0, valuesMax));
  }
  for (const keyword of required) {
    if (attributes.has(keyword)) continue;
    const message = `The instance does not state its ${keyword}.`;
    throw new ArchiveError('archive.instance-incomplete', message);
  }
  const isSegmentation = attributes.get('Modality')?.[0] === 'SEG';
  const labelsSeriesUid = isSegmentation ? data.item('ReferencedSeriesSequence')?.text('SeriesInstanceUID') : undefined;
  return { attributes, transferSyntaxUid, labelsSeriesUid };
}

/** A number that is none is the reader's of the pixels to refuse, not the catalogue's. */
function numbersOf(read: () => number[] | undefined): string[] {
  try {
    return (read() ?? []).map(String);
  } catch {
    return [];
  }
}
