/** Made-up CT instances, each of its own: one file of the writer with other UIDs, numbers and pixels. */
import { axisAligned, parsePart10, uidOf, voxelCount, writeDicomSeries } from '@consilium/imaging';

export class InstanceSeries {
  readonly #template: Buffer;
  readonly #uids: readonly string[];
  readonly #pixelsAt: number;

  constructor({ side }: { side: number }) {
    const geometry = axisAligned({ size: [1, side, side], spacingMm: [2.5, 0.75, 0.75], originMm: [0, 0, 0] });
    const voxels = Int16Array.from({ length: voxelCount(geometry) }, (_, at) => ((at * 7919) % 1500) - 900);
    const [file] = writeDicomSeries(
      { geometry, voxels },
      {
        seriesInstanceUid: uidOf('intake', 'series'),
        frameOfReferenceUid: uidOf('intake', 'frame'),
        seriesDescription: 'Abdomen',
        patient: { id: 'INTAKE-0000', name: 'Intake^Test', birthDate: '19600101', sex: 'O' },
        study: {
          ...{ instanceUid: uidOf('intake', 'study'), id: '1', date: '20260102', time: '030405' },
          ...{ accessionNumber: 'A1', referringPhysician: 'Doctor^Some', description: 'Abdomen' },
        },
        acquisition: {
          ...{ manufacturer: 'Consilium', model: 'Bench', kvp: 120, kernel: 'B30f', sliceThicknessMm: 2.5 },
          ...{ contrastAgent: undefined, comments: 'SYNTHETIC' },
        },
      },
    );
    this.#template = Buffer.from(file!);
    const { data } = parsePart10(this.#template);
    this.#pixelsAt = data.element('PixelData')!.start;
    this.#uids = (['SOPInstanceUID', 'SeriesInstanceUID', 'StudyInstanceUID'] as const).map((keyword) =>
      data.requiredText(keyword),
    );
  }

  get instanceBytes(): number {
    return this.#template.length;
  }

  /** @param series its number: of each there is a study and a patient of their own. */
  batch(series: number, count: number): Buffer[] {
    return Array.from({ length: count }, (_, index) => this.#instance(series, index));
  }

  #instance(series: number, index: number): Buffer {
    const file = Buffer.from(this.#template);
    // The instance's first: it begins with the series'.
    for (const [level, uid] of this.#uids.entries()) {
      const number = level === 0 ? series * 100_000 + index : series;
      const own = `${uid.slice(0, -12)}1${String(number).padStart(11, '0')}`;
      for (let at = file.indexOf(uid); at >= 0 && at < this.#pixelsAt; at = file.indexOf(uid, at + 1))
        file.write(own, at);
    }
    file.write(`INTAKE-${String(series).padStart(4, '0')}`, file.indexOf('INTAKE-0000'));
    file.writeUInt32LE(series * 100_000 + index, this.#pixelsAt);
    return file;
  }
}
