/** A CT series of a few slices, de-identified or not. */
import {
  axisAligned,
  type CtSeriesMeta,
  Dataset,
  datasetOf,
  formatPart10,
  type Image,
  parsePart10,
} from '@consilium/imaging';

export function toySeries(seriesInstanceUid: string, slices: number, patientId = 'P1'): [Image, CtSeriesMeta] {
  const geometry = axisAligned({ size: [slices, 8, 9], spacingMm: [3, 1, 1], originMm: [-4, -5, 10 * slices] });
  const voxels = Int16Array.from({ length: slices * 72 }, (_, index) => (index * 37) % 400);
  const study = { instanceUid: `${seriesInstanceUid}.0`, id: '', date: '', time: '', accessionNumber: '' };
  return [
    { geometry, voxels },
    {
      seriesInstanceUid,
      frameOfReferenceUid: `${seriesInstanceUid}.9`,
      patient: { id: patientId, name: '', birthDate: '', sex: '' },
      study: { ...study, referringPhysician: '', description: '' },
      acquisition: {
        ...{ manufacturer: 'X', model: 'Y', kvp: 120, kernel: 'B', sliceThicknessMm: 3 },
        ...{ contrastAgent: undefined, comments: undefined },
      },
    },
  ];
}

/** As the archive's door leaves an instance. */
export function markedDeidentified(bytes: Uint8Array, burnedIn = 'NO'): Uint8Array {
  const file = parsePart10(bytes);
  const said = datasetOf({
    PatientIdentityRemoved: 'YES',
    BurnedInAnnotation: burnedIn,
    DeidentificationMethodCodeSequence: [
      { CodeValue: '113100', CodingSchemeDesignator: 'DCM', CodeMeaning: 'Basic Application Confidentiality Profile' },
    ],
  });
  const elements = [...file.data.elements, ...said.elements].sort((one, other) => one.tag - other.tag);
  return formatPart10({ ...file, data: new Dataset(elements) });
}
