/** Segments of a label as DICOM wants them: with codes, and numbered from 1 without gaps. */
import { type LabelMap, type SegmentInfo, segmentNamed } from '@consilium/imaging';
import type { Label } from '../store/label-store.ts';

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
  const drawnBy: Pick<SegmentInfo, 'algorithmType' | 'algorithmName'> =
    algorithmType === 'MANUAL' ? { algorithmType } : { algorithmType, algorithmName: algorithm ?? 'unknown' };
  const coded = numbers.map(
    (number, index): SegmentInfo =>
      segmentNamed(names.get(number) ?? `segment ${number}`, { number: index + 1, ...drawnBy }),
  );
  return {
    labels: { geometry: labels.geometry, voxels: labels.voxels.map((number) => renumbered[number]!) },
    segments: coded,
  };
}
