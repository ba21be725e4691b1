/** A few made-up patients of a hospital, with names, as DICOM files that an archive has to de-identify. */
import {
  axisAligned,
  type Image,
  readDicomSeries,
  renalSegments,
  uidOf,
  voxelCount,
  writeDicomSegmentation,
  writeDicomSeries,
} from '@consilium/imaging';

export interface ToyPatient {
  readonly id: string;
  readonly name: string;
  readonly phase: string;
  readonly manufacturer: string;
  readonly hasLabel: boolean;
}

export const toyPatients: readonly ToyPatient[] = [
  { id: '4711', name: 'Muster^Eva', phase: 'nephrographic', manufacturer: 'SIEMENS', hasLabel: true },
  { id: '4712', name: 'Beispiel^Karl', phase: 'corticomedullary', manufacturer: 'GE MEDICAL SYSTEMS', hasLabel: true },
  { id: '4713', name: 'Doe^Jane', phase: 'nephrographic', manufacturer: 'SIEMENS', hasLabel: true },
  { id: '4714', name: 'Dupont^Jean', phase: 'nephrographic', manufacturer: 'SIEMENS', hasLabel: false },
];

/** Known to a PACS only. */
export const remotePatient: ToyPatient = {
  ...{ id: '4715', name: 'Fern^Fiona', phase: 'unenhanced', manufacturer: 'SIEMENS', hasLabel: false },
};

/** Files by name: slices of a CT, and its segmentation. */
export async function toyStudy(patient: ToyPatient): Promise<Record<string, Uint8Array>> {
  const geometry = axisAligned({ size: [6, 24, 24], spacingMm: [2.5, 1.5, 1.5], originMm: [-20, 10, -300] });
  const seed = Number(patient.id);
  const voxels = Int16Array.from(
    { length: voxelCount(geometry) },
    (_, at) => ((at * 7919 + seed * 104_729) % 600) - 200,
  );
  const slices = seriesOf(patient, { geometry, voxels });
  const files = Object.fromEntries(slices.map((bytes, z) => [`${patient.id}/ct/${z}.dcm`, bytes]));
  if (!patient.hasLabel) return files;
  const { series } = await readDicomSeries(slices);
  const drawn = Uint8Array.from({ length: voxels.length }, (_, at) => (at % 576 > 300 ? 0 : at % 7 === 0 ? 2 : 1));
  const label = writeDicomSegmentation(
    { geometry, voxels: drawn },
    renalSegments({ algorithmType: 'MANUAL' }),
    series,
    {
      seriesInstanceUid: uidOf('toy label', patient.id),
      sopInstanceUid: uidOf('toy label instance', patient.id),
      contentDate: '20260301',
      contentTime: '120000',
    },
  );
  return { ...files, [`${patient.id}/seg.dcm`]: label };
}

/** Another series of a patient: of the same study, thinner, where the first lies; or of an earlier one, in a frame of its own. */
export function toySeriesBeside(patient: ToyPatient, kind: 'thin' | 'prior'): readonly Uint8Array[] {
  const size = kind === 'thin' ? ([12, 24, 24] as const) : ([6, 24, 24] as const);
  const spacingMm = kind === 'thin' ? ([1.25, 1.5, 1.5] as const) : ([2.5, 1.5, 1.5] as const);
  const geometry = axisAligned({ size, spacingMm, originMm: [-20, 10, -300] });
  const voxels = Int16Array.from({ length: voxelCount(geometry) }, (_, at) => ((at * 104_729) % 600) - 200);
  return seriesOf({ ...patient, phase: kind === 'prior' ? 'unenhanced' : patient.phase }, { geometry, voxels }, kind);
}

function seriesOf(
  { id, manufacturer, name, phase }: ToyPatient,
  image: Image,
  kind: 'first' | 'thin' | 'prior' = 'first',
): Uint8Array[] {
  const own = kind === 'first' ? id : `${id} ${kind}`;
  const visit = kind === 'prior' ? own : id;
  return writeDicomSeries(image, {
    seriesInstanceUid: uidOf('toy series', own),
    frameOfReferenceUid: uidOf('toy frame', visit),
    seriesDescription: `SYNTHETIC ${phase} phase`,
    patient: { id, name, birthDate: '19600101', sex: 'F' },
    study: {
      ...{
        instanceUid: uidOf('toy study', visit),
        id: '1',
        date: kind === 'prior' ? '20240506' : '20260102',
        time: '030405',
        accessionNumber: `ACC${id}`,
      },
      referringPhysician: 'Arzt^Anna',
      description: 'CT abdomen',
    },
    acquisition: {
      ...{ manufacturer, model: 'Toy', kvp: 120, kernel: 'B30f', sliceThicknessMm: 2.5 },
      contrastAgent: undefined,
      comments: undefined,
    },
  });
}
