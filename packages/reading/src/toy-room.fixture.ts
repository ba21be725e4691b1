/** An archive with made-up series, a reading room over it, and people with roles. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Archive, archiveSettingsSchema } from '@consilium/archive';
import {
  axisAligned,
  type CtSeriesMeta,
  datasetOf,
  formatPart10,
  type Image,
  parsePart10,
  type Triple,
  uidOf,
  voxelCount,
  worldOf,
  writeDicomSeries,
} from '@consilium/imaging';
import type { Asker } from './asker.ts';
import type { ProtocolInput } from './contract/protocol-schema.ts';
import { deltaBetween } from './label/label-delta.ts';
import { ReadingRoom, type ReadingRoomOptions } from './reading-room.ts';
import type { DraftStroke } from './room/drafts.ts';
import type { Lease } from './room/readings.ts';

export class ToyClock {
  timeMs = Date.UTC(2026, 2, 1);
  nowMs(): number {
    return this.timeMs;
  }
  async sleep(ms: number): Promise<void> {
    this.timeMs += ms;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export class ToyDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'consilium-reading-'));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export const lead: Asker = { person: 'lena', roles: ['lead'] };
export const reviewer: Asker = { person: 'rita', roles: ['reviewer'] };
export const readerA: Asker = { person: 'anna', roles: ['reader'] };
export const readerB: Asker = { person: 'boris', roles: ['reader'] };
export const adjudicator: Asker = { person: 'adele', roles: ['adjudicator'] };

const toySize: Triple = [6, 16, 20];
export const toyGeometry = axisAligned({ size: toySize, spacingMm: [3, 1, 1] });

export const renalProtocol: ProtocolInput = {
  title: 'Renal mass',
  structures: [
    {
      ...{ number: 1, name: 'Kidney', colour: '#b04030' },
      category: { value: '91723000', scheme: 'SCT', meaning: 'Anatomical Structure' },
      type: { value: '64033007', scheme: 'SCT', meaning: 'Kidney' },
    },
    {
      ...{ number: 2, name: 'Tumour', colour: '#20c060' },
      category: { value: '49755003', scheme: 'SCT', meaning: 'Morphologically Abnormal Structure' },
      type: { value: '108369006', scheme: 'SCT', meaning: 'Neoplasm' },
    },
  ],
  form: [
    {
      name: 'quality',
      label: 'Image quality',
      kind: 'choice',
      choices: [
        { value: 'good', label: 'Good' },
        { value: 'poor', label: 'Poor' },
      ],
    },
  ],
};

/** De-identified as it comes. */
export const passing = () => (bytes: Uint8Array) => {
  const { data } = parsePart10(bytes);
  const uid = (keyword: 'StudyInstanceUID' | 'SeriesInstanceUID' | 'SOPInstanceUID') => data.requiredText(keyword);
  const subject = data.requiredText('PatientID');
  return {
    ...({ kind: 'deidentified', bytes, subject, changes: [] } as const),
    identity: {
      ...({ subject: {}, study: {}, series: {}, subjectFrom: 'patient-id' } as const),
      pseudonyms: {
        subject,
        studyInstanceUid: uid('StudyInstanceUID'),
        seriesInstanceUid: uid('SeriesInstanceUID'),
        sopInstanceUid: uid('SOPInstanceUID'),
        dateShiftDays: 0,
      },
    },
  };
};

export function toyImage(seed: number): Image {
  const voxels = Int16Array.from(
    { length: voxelCount(toyGeometry) },
    (_, at) => ((at * 7919 + seed * 104_729) % 1500) - 900,
  );
  return { geometry: toyGeometry, voxels };
}

export function toySeriesUid(patient: string): string {
  return uidOf('toy reading', patient);
}

export async function openToyArchive(directory: string, clock: ToyClock): Promise<Archive> {
  return Archive.open(directory, archiveSettingsSchema.parse({}), { clock, deidentify: passing });
}

/** A series of a patient. */
export function toyFiles(patient: string, seed = 0, image: Image = toyImage(seed)): readonly Uint8Array[] {
  return writeDicomSeries(image, toyMeta(patient));
}

/** Takes in a series a patient. */
export async function admitSeries(archive: Archive, patients: readonly string[]): Promise<void> {
  for (const [seed, patient] of patients.entries()) {
    for (const file of toyFiles(patient, seed)) {
      await archive.door.admit(file, { kind: 'folder' });
    }
  }
  await archive.series.settle();
}

/** Another series of a patient, of the same study or of one of another day. */
export async function admitAnother(
  archive: Archive,
  patient: string,
  { date, name, seed = 0 }: { name: string; date?: string; seed?: number },
): Promise<string> {
  const meta = toyMeta(patient);
  const seriesInstanceUid = toySeriesUid(`${patient} ${name}`);
  const study = date === undefined ? meta.study : { ...meta.study, instanceUid: uidOf('toy study', name), date };
  const frameOfReferenceUid = date === undefined ? meta.frameOfReferenceUid : uidOf('toy frame', name);
  for (const file of writeDicomSeries(toyImage(seed), { ...meta, study, seriesInstanceUid, frameOfReferenceUid })) {
    await archive.door.admit(file, { kind: 'folder' });
  }
  await archive.series.settle();
  return seriesInstanceUid;
}

function toyMeta(patient: string): CtSeriesMeta {
  return {
    seriesInstanceUid: toySeriesUid(patient),
    frameOfReferenceUid: uidOf('toy frame', patient),
    seriesDescription: 'nephrographic',
    patient: { id: patient, name: patient, birthDate: '', sex: 'O' },
    study: {
      ...{ instanceUid: uidOf('toy study', patient), id: '1', date: '20260102', time: '030405' },
      ...{ accessionNumber: '', referringPhysician: '', description: 'CT abdomen' },
    },
    acquisition: {
      ...{ manufacturer: 'SIEMENS', model: 'Toy', kvp: 120, kernel: 'B30f', sliceThicknessMm: 3 },
      ...{ contrastAgent: undefined, comments: undefined },
    },
  };
}

/** A box of a structure; `shift` moves it along x. */
export function boxLabel(number: number, { shift = 0, from = 4, to = 10 } = {}): Uint8Array {
  const voxels = new Uint8Array(voxelCount(toyGeometry));
  for (let z = 1; z < 5; z++) {
    for (let y = from; y < to; y++) voxels.fill(number, (z * 16 + y) * 20 + 4 + shift, (z * 16 + y) * 20 + 12 + shift);
  }
  return voxels;
}

let markMs = Date.UTC(2026, 2, 1);

/** The stroke that turns one label into another. */
export function strokeTo(
  seq: number,
  before: Uint8Array,
  after: Uint8Array,
  more: Partial<DraftStroke> = {},
): DraftStroke {
  markMs += 1000;
  return {
    ...{ seq, kind: 'draw', tool: 'brush', atMs: markMs, structure: 1, phase: 'manual', model: undefined },
    change: deltaBetween(before, after, { size: toySize }),
    ...more,
  };
}

/** Opens a task, draws a label in one stroke, and submits it. */
export async function readTask(
  room: ReadingRoom,
  asker: Asker,
  { label, project, taskId }: { project: string; taskId: string; label: Uint8Array },
): Promise<string> {
  const lease: Lease = await room.readings.open(asker, { project, taskId });
  const { baseVersion } = lease.draft;
  const before = baseVersion === undefined ? undefined : (await room.label(asker, project, baseVersion))[0];
  const stroke = strokeTo(1, before ?? new Uint8Array(label.length), label);
  const { leaseId } = lease;
  await room.readings.draw(asker, { project, taskId, leaseId, strokes: [stroke] });
  const kept = await room.readings.submit(asker, { project, taskId, leaseId, lastSeq: 1, form: {} });
  await room.idle();
  return kept.version;
}

export async function openToyRoom(
  archive: Archive,
  directory: string,
  clock: ToyClock,
  more: Partial<ReadingRoomOptions> = {},
): Promise<ReadingRoom> {
  return ReadingRoom.open(archive, {
    ...{ directory, clock },
    onTrouble: (error) => {
      throw error;
    },
    ...more,
  });
}

/** An RT Structure Set with the contours of `boxLabel(1)`. */
export function toyStructureSet(name: string): Uint8Array {
  const contours = [1, 2, 3, 4].map((z) => {
    const corners = [
      [3.5, 3.5],
      [11.5, 3.5],
      [11.5, 9.5],
      [3.5, 9.5],
    ];
    return {
      ContourGeometricType: 'CLOSED_PLANAR',
      NumberOfContourPoints: '4',
      ContourData: corners.flatMap(([x, y]) => worldOf(toyGeometry, [z, y!, x!]).map(String)),
    };
  });
  const structureSet = '1.2.840.10008.5.1.4.1.1.481.3';
  const data = datasetOf({
    ...{ SOPClassUID: structureSet, SOPInstanceUID: uidOf('toy structures', name), Modality: 'RTSTRUCT' },
    StructureSetROISequence: [{ ROINumber: '1', ROIName: name }],
    ROIContourSequence: [{ ReferencedROINumber: '1', ContourSequence: contours }],
  });
  const [image] = toyFiles('structures');
  return formatPart10({ ...parsePart10(image!), data });
}
