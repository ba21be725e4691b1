/** A fresh archive in a directory of its own, time that stands still, and made-up studies for its door. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  axisAligned,
  type CtSeriesMeta,
  type Image,
  parsePart10,
  readDicomSeries,
  renalSegments,
  type Triple,
  uidOf,
  voxelCount,
  writeDicomSegmentation,
  writeDicomSeries,
} from '@consilium/imaging';
import { Archive, type ArchivePorts } from './archive.ts';
import { type ArchiveSettingsInput, archiveSettingsSchema } from './archive-settings.ts';
import type { Describer } from './derive/describer.ts';
import { lookAt } from './derive/series-work.ts';
import type { Deidentify } from './preparation.ts';

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
  readonly path = mkdtempSync(join(tmpdir(), 'consilium-archive-'));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Takes what is de-identified already as it is, for tests that are not about de-identification. */
export const passing: () => Deidentify = () => (bytes) => {
  const { data } = parsePart10(bytes);
  const uid = (keyword: 'StudyInstanceUID' | 'SeriesInstanceUID' | 'SOPInstanceUID') => data.requiredText(keyword);
  return {
    kind: 'deidentified',
    bytes,
    subject: data.requiredText('PatientID'),
    changes: [{ tag: '00100010', action: 'replaced', reason: 'basic profile Z', count: 1 }],
    identity: {
      subject: { PatientName: `Secret^${data.requiredText('PatientID')}` },
      study: { AccessionNumber: 'A-1' },
      series: {},
      subjectFrom: 'patient-id',
      pseudonyms: {
        subject: data.requiredText('PatientID'),
        studyInstanceUid: uid('StudyInstanceUID'),
        seriesInstanceUid: uid('SeriesInstanceUID'),
        sopInstanceUid: uid('SOPInstanceUID'),
        dateShiftDays: 0,
      },
    },
  };
};

/** In this thread: a thread of its own takes half a second to begin. */
export const here: Describer = { describe: lookAt, rest: async () => {} };

export function openToyArchive(
  directory: string,
  settings: ArchiveSettingsInput = {},
  ports: Partial<ArchivePorts> = {},
): Promise<Archive> {
  return Archive.open(directory, archiveSettingsSchema.parse(settings), {
    clock: new ToyClock(),
    deidentify: passing,
    describer: here,
    ...ports,
  });
}

/** Runs a fixture until it writes something, and kills it then. */
export async function killWhenItSpeaks(fixture: URL, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=consilium-source', fileURLToPath(fixture), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    child.kill('SIGKILL');
  });
  await once(child, 'close');
  if (said === '') throw new Error('the fixture ended by itself');
}

export interface ToySeries {
  readonly patient: string;
  readonly study?: string;
  readonly series?: string;
  readonly description?: string;
  readonly size?: Triple;
  readonly spacingMm?: Triple;
  readonly seed?: number;
  readonly kernel?: string;
  readonly manufacturer?: string;
  readonly kvp?: number;
  readonly contrastAgent?: string;
  readonly studyDate?: string;
  readonly studyDescription?: string;
}

/** The same description, the same bytes. */
export function toySeries(toy: ToySeries): readonly Uint8Array[] {
  return writeDicomSeries(toyImage(toy), toyMeta(toy));
}

export function toyImage({ size = [4, 6, 8], spacingMm = [2.5, 0.75, 0.75], seed = 0 }: Partial<ToySeries>): Image {
  const geometry = axisAligned({ size, spacingMm, originMm: [-20, 10, -300] });
  const voxels = Int16Array.from(
    { length: voxelCount(geometry) },
    (_, at) => ((at * 7919 + seed * 104_729) % 1500) - 900,
  );
  return { geometry, voxels };
}

/** A DICOM segmentation of a toy series: two slices of kidney, some tumour. */
export async function toySegmentation(toy: ToySeries): Promise<Uint8Array> {
  const image = toyImage(toy);
  const sliceVoxels = image.geometry.size[1] * image.geometry.size[2];
  const voxels = Uint8Array.from({ length: image.voxels.length }, (_, at) => {
    const z = Math.floor(at / sliceVoxels);
    return z === 0 || z > 2 ? 0 : at % 3 === 0 ? 2 : 1;
  });
  const { series } = await readDicomSeries(toySeries(toy));
  return writeDicomSegmentation(
    { geometry: image.geometry, voxels },
    renalSegments({ algorithmType: 'MANUAL' }),
    series,
    {
      seriesInstanceUid: uidOf('segmentation series', series.instanceUid),
      sopInstanceUid: uidOf('segmentation', series.instanceUid),
      contentDate: '20260301',
      contentTime: '120000',
    },
  );
}

function toyMeta(toy: ToySeries): CtSeriesMeta {
  const { patient, study = 'study', series = 'series' } = toy;
  return {
    seriesInstanceUid: uidOf('toy', patient, study, series),
    frameOfReferenceUid: uidOf('toy frame', patient, study),
    seriesDescription: toy.description ?? 'Abdomen',
    patient: { id: patient, name: patient, birthDate: '', sex: 'O' },
    study: {
      instanceUid: uidOf('toy', patient, study),
      id: '1',
      date: toy.studyDate ?? '20260102',
      time: '030405',
      accessionNumber: '',
      referringPhysician: '',
      description: toy.studyDescription ?? 'CT abdomen',
    },
    acquisition: {
      manufacturer: toy.manufacturer ?? 'SIEMENS',
      model: 'Toy',
      kvp: toy.kvp ?? 120,
      kernel: toy.kernel ?? 'B30f',
      sliceThicknessMm: 2.5,
      contrastAgent: toy.contrastAgent,
      comments: undefined,
    },
  };
}
