/** What QIDO-RS answers of what the catalogue found, in the DICOM JSON model (PS3.18 10.6.3.3). */
import {
  type AttributeSet,
  type CatalogueAttribute,
  catalogueAttributes,
  type QueryLevel,
} from '../catalogue-query.ts';
import type { JsonDataset, JsonElement } from './dicom-json.ts';
import type { QidoQuery } from './qido-query.ts';

/** Always answered: tables 10.6.3-3 to -5. */
const always: Readonly<Record<QueryLevel, ReadonlySet<CatalogueAttribute>>> = {
  study: new Set([
    ...([
      'StudyDate',
      'StudyTime',
      'AccessionNumber',
      'ModalitiesInStudy',
      'ReferringPhysicianName',
      'PatientName',
    ] as const),
    ...(['PatientID', 'PatientBirthDate', 'PatientSex', 'StudyInstanceUID', 'StudyID', 'StudyDescription'] as const),
    ...(['NumberOfStudyRelatedSeries', 'NumberOfStudyRelatedInstances'] as const),
  ]),
  series: new Set([
    ...(['Modality', 'SeriesDescription', 'StudyInstanceUID', 'SeriesInstanceUID', 'SeriesNumber'] as const),
    ...(['NumberOfSeriesRelatedInstances', 'PerformedProcedureStepStartDate'] as const),
    ...(['PerformedProcedureStepStartTime'] as const),
  ]),
  instance: new Set([
    ...(['SOPClassUID', 'SOPInstanceUID', 'StudyInstanceUID', 'SeriesInstanceUID', 'InstanceNumber'] as const),
    ...(['Rows', 'Columns', 'BitsAllocated', 'NumberOfFrames'] as const),
  ]),
};

/** @param retrieveUrl address of the entity. */
export function qidoAnswer(found: AttributeSet, { includes, query }: QidoQuery, retrieveUrl: string): JsonDataset {
  const asked = new Set(query.matches.map(({ attribute }) => attribute));
  const wanted = (attribute: CatalogueAttribute) =>
    always[query.level].has(attribute) || includes === 'all' || includes.has(attribute) || asked.has(attribute);
  const elements: [string, JsonElement][] = (Object.keys(catalogueAttributes) as CatalogueAttribute[])
    .filter((attribute) => wanted(attribute) && isAt(attribute, query.level))
    .filter((attribute) => found[attribute] !== undefined || always[query.level].has(attribute))
    .filter((attribute) => found[attribute] !== undefined || !optional.has(attribute))
    .map((attribute) => [catalogueAttributes[attribute].tag, elementOf(attribute, found[attribute])]);
  elements.push(['00081190', { vr: 'UR', Value: [retrieveUrl] }]);
  return Object.fromEntries(elements.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Of an instance that has no pixels there is nothing to say. */
const optional: ReadonlySet<CatalogueAttribute> = new Set(['Rows', 'Columns', 'BitsAllocated', 'NumberOfFrames']);

const depth = { study: 0, series: 1, instance: 2 } as const;

function isAt(attribute: CatalogueAttribute, level: QueryLevel): boolean {
  return depth[catalogueAttributes[attribute].level] <= depth[level];
}

function elementOf(attribute: CatalogueAttribute, values: readonly (string | number)[] | undefined): JsonElement {
  const { vr } = catalogueAttributes[attribute];
  if (values === undefined) return { vr };
  if (vr === 'PN') return { vr, Value: values.map((value) => ({ Alphabetic: String(value) })) };
  if (vr === 'IS' || vr === 'US') return { vr, Value: values.map(Number) };
  return { vr, Value: values.map(String) };
}
