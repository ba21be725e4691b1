/** Which class of the project a segment is: by its code in a DICOM Segmentation, else by its name. */
import type { LabelMap, SegmentInfo } from '@consilium/imaging';

/** SNOMED CT codes as DICOM's context groups 7151, 7153 and 7159 have them. */
const classOfCode: Readonly<Record<string, number>> = {
  '64033007': 1, // Kidney
  '108369006': 2, // Neoplasm
  '86049000': 2, // Neoplasm, Primary
  '4147007': 2, // Mass
  '52988006': 2, // Lesion
  '367643001': 3, // Cyst
};
const classOfLabel: readonly (readonly [RegExp, number])[] = [
  [/cyst/i, 3],
  [/tumou?r|neoplas|carcinoma|mass|lesion|cancer/i, 2],
  [/kidney|renal|ren\b/i, 1],
];

/**
 * Segment numbers turned into class numbers; segments that are no class of the project become background. If no segment
 * says what it is, the numbers are taken for classes.
 */
export function classesOfSegments(labels: LabelMap, segments: readonly SegmentInfo[]): LabelMap {
  return withClasses(labels, new Map(segments.map((segment) => [segment.number, classOf(segment)])));
}

/** As `classesOfSegments`, of segments that have names only. */
export function classesOfNames(labels: LabelMap, names: Readonly<Record<string, string>>): LabelMap {
  return withClasses(
    labels,
    new Map(Object.entries(names).map(([number, name]) => [Number(number), classOfName(name)])),
  );
}

function withClasses(labels: LabelMap, known: ReadonlyMap<number, number | undefined>): LabelMap {
  if ([...known.values()].every((value) => value === undefined)) return labels;
  return { geometry: labels.geometry, voxels: labels.voxels.map((number) => known.get(number) ?? 0) };
}

function classOf({ type, label }: SegmentInfo): number | undefined {
  return classOfCode[type.value] ?? classOfName(label);
}

function classOfName(name: string): number | undefined {
  return classOfLabel.find(([pattern]) => pattern.test(name))?.[1];
}
