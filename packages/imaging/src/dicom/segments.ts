/** What the segments of a DICOM Segmentation stand for, in codes that other systems understand. */
import { ImagingError } from '../imaging-error.ts';
import type { Dataset } from './dataset.ts';
import type { Keyword } from './dictionary.ts';
import type { DicomRecord } from './encode.ts';

/** PS3.3 table 8.8-1: scheme "SCT" is SNOMED CT. */
export interface CodedConcept {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}

export type SegmentAlgorithmType = 'MANUAL' | 'SEMIAUTOMATIC' | 'AUTOMATIC';

export interface SegmentInfo {
  /** From 1 without gaps; the label map's value. */
  readonly number: number;
  readonly label: string;
  readonly category: CodedConcept;
  readonly type: CodedConcept;
  /** Where it is, if `type` does not say so. */
  readonly region?: CodedConcept | undefined;
  readonly algorithmType: SegmentAlgorithmType;
  /** Required unless manual. */
  readonly algorithmName?: string | undefined;
  /** L 0..100, a and b -128..127. */
  readonly colourCieLab?: readonly [number, number, number] | undefined;
}

const anatomicalStructure: CodedConcept = { value: '91723000', scheme: 'SCT', meaning: 'Anatomical Structure' };
const abnormalStructure: CodedConcept = {
  value: '49755003',
  scheme: 'SCT',
  meaning: 'Morphologically Abnormal Structure',
};
const kidney: CodedConcept = { value: '64033007', scheme: 'SCT', meaning: 'Kidney' };
const neoplasm: CodedConcept = { value: '108369006', scheme: 'SCT', meaning: 'Neoplasm' };
const cyst: CodedConcept = { value: '367643001', scheme: 'SCT', meaning: 'Cyst' };

/** Kidney 1, tumour 2, cyst 3: this house's classes. */
export function renalSegments(algorithm: Pick<SegmentInfo, 'algorithmType' | 'algorithmName'>): readonly SegmentInfo[] {
  return [
    {
      number: 1,
      label: 'Kidney',
      category: anatomicalStructure,
      type: kidney,
      colourCieLab: [60, 45, 35],
      ...algorithm,
    },
    {
      number: 2,
      label: 'Tumour',
      category: abnormalStructure,
      type: neoplasm,
      region: kidney,
      colourCieLab: [75, -50, 60],
      ...algorithm,
    },
    {
      number: 3,
      label: 'Cyst',
      category: abnormalStructure,
      type: cyst,
      region: kidney,
      colourCieLab: [50, 20, -70],
      ...algorithm,
    },
  ];
}

const tissue: CodedConcept = { value: '85756007', scheme: 'SCT', meaning: 'Tissue' };
/** Words for a structure, to its number in `renalSegments`: the special before the general. */
const renalWords: readonly (readonly [RegExp, number])[] = [
  [/cyst|zyste/i, 3],
  [/tumou?r|neoplas|carcinoma|mass|lesion|cancer|\brcc\b/i, 2],
  [/kidney|niere|\bren\b/i, 1],
];

/** A segment of any name: coded as what the name says, as tissue where it says nothing known. Names have 64 characters. */
export function segmentNamed(
  name: string,
  { number, ...drawnBy }: Pick<SegmentInfo, 'number' | 'algorithmType' | 'algorithmName'>,
): SegmentInfo {
  const known = renalWords.find(([pattern]) => pattern.test(name))?.[1];
  const like =
    known === undefined ? { category: tissue, type: tissue, ...drawnBy } : renalSegments(drawnBy)[known - 1]!;
  return { ...like, number, label: name.slice(0, 64) };
}

/** An item of the Segment Sequence (PS3.3 C.8.20.4). */
export function segmentItem(segment: SegmentInfo): DicomRecord {
  return {
    SegmentedPropertyCategoryCodeSequence: [codeItem(segment.category)],
    SegmentNumber: segment.number,
    SegmentLabel: segment.label,
    SegmentAlgorithmType: segment.algorithmType,
    SegmentAlgorithmName: segment.algorithmName,
    AnatomicRegionSequence: segment.region && [codeItem(segment.region)],
    RecommendedDisplayCIELabValue: segment.colourCieLab && encodedLab(segment.colourCieLab),
    SegmentedPropertyTypeCodeSequence: [codeItem(segment.type)],
  };
}

/** @throws ImagingError `imaging.segments-invalid` for numbers that do not fit a label map. */
export function segmentOf(item: Dataset): SegmentInfo {
  const number = item.requiredNumber('SegmentNumber');
  if (!(Number.isInteger(number) && number >= 1 && number <= 255)) {
    throw new ImagingError('imaging.segments-invalid', 'a segment number is not 1 to 255');
  }
  const unknown: CodedConcept = { value: '', scheme: '', meaning: '' };
  const algorithm = item.text('SegmentAlgorithmType');
  const lab = item.numbers('RecommendedDisplayCIELabValue');
  return {
    number,
    label: item.text('SegmentLabel') ?? '',
    category: codeOf(item, 'SegmentedPropertyCategoryCodeSequence') ?? unknown,
    type: codeOf(item, 'SegmentedPropertyTypeCodeSequence') ?? unknown,
    region: codeOf(item, 'AnatomicRegionSequence'),
    algorithmType: algorithm === 'AUTOMATIC' || algorithm === 'SEMIAUTOMATIC' ? algorithm : 'MANUAL',
    algorithmName: item.text('SegmentAlgorithmName'),
    colourCieLab: lab?.length === 3 ? decodedLab(lab as [number, number, number]) : undefined,
  };
}

export function codeItem({ value, scheme, meaning }: CodedConcept): DicomRecord {
  return { CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning };
}

function codeOf(item: Dataset, keyword: Keyword): CodedConcept | undefined {
  const code = item.item(keyword);
  return (
    code && {
      value: code.text('CodeValue') ?? '',
      scheme: code.text('CodingSchemeDesignator') ?? '',
      meaning: code.text('CodeMeaning') ?? '',
    }
  );
}

/** PS3.3 C.10.7.1.1: L from 0..100, a and b from -128..127, each to 0..65535. */
function encodedLab([l, a, b]: readonly [number, number, number]): number[] {
  return [(l / 100) * 65535, ((a + 128) / 255) * 65535, ((b + 128) / 255) * 65535].map(Math.round);
}

function decodedLab([l, a, b]: readonly [number, number, number]): readonly [number, number, number] {
  return [(l / 65535) * 100, (a / 65535) * 255 - 128, (b / 65535) * 255 - 128];
}
