/** Segments of a label as DICOM wants them: with codes, and numbered from 1 without gaps. */
import { type CodedConcept, type LabelMap, renalSegments, type SegmentInfo } from '@consilium/imaging';
import type { Label } from '../store/label-store.ts';

const tissue: CodedConcept = { value: '85756007', scheme: 'SCT', meaning: 'Tissue' };
const organs: readonly (readonly [RegExp, number])[] = [
  [/cyst|zyste/i, 3],
  [/tumou?r|neoplas|carcinoma|mass|lesion|cancer|\brcc\b/i, 2],
  [/kidney|niere|\bren\b/i, 1],
];

export interface CodedSegments {
  readonly labels: LabelMap;
  readonly segments: readonly SegmentInfo[];
}

/** @param labels whose numbers are those of the label's segments; numbers without a segment are named after themselves. */
export function codedSegments(labels: LabelMap, { provenance, segments }: Label): CodedSegments {
  const present = new Uint8Array(256);
  for (const value of labels.voxels) present[value] = 1;
  const names = new Map(segments.map(({ number, name }) => [number, name]));
  const numbers = [...present.keys()].filter((number) => number > 0 && (present[number] === 1 || names.has(number)));
  const renumbered = new Uint8Array(256);
  for (const [index, number] of numbers.entries()) renumbered[number] = index + 1;
  const { kind, algorithm } = provenance;
  const algorithmType = kind === 'automatic' ? 'AUTOMATIC' : kind === 'semiautomatic' ? 'SEMIAUTOMATIC' : 'MANUAL';
  const drawnBy =
    algorithmType === 'MANUAL' ? { algorithmType } : { algorithmType, algorithmName: algorithm ?? 'unknown' };
  const renal = renalSegments(drawnBy as Pick<SegmentInfo, 'algorithmType' | 'algorithmName'>);
  const coded = numbers.map((number, index): SegmentInfo => {
    const name = (names.get(number) ?? `segment ${number}`).slice(0, 64);
    const known = organs.find(([pattern]) => pattern.test(name))?.[1];
    const like = known === undefined ? { category: tissue, type: tissue, ...drawnBy } : renal[known - 1]!;
    return { ...(like as SegmentInfo), number: index + 1, label: name };
  });
  return {
    labels: { geometry: labels.geometry, voxels: labels.voxels.map((number) => renumbered[number]!) },
    segments: coded,
  };
}
