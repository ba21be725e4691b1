import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { croppedGeometry, respaced, sameGrid, worldOf } from '../geometry.ts';
import { ImagingError, type ImagingErrorCode } from '../imaging-error.ts';
import { fromBase64, recorded, type SimpleItkGrid } from '../recorded-array.ts';
import { resampleLabels } from '../resample.ts';
import { volumes } from '../sampled.ts';
import type { Geometry, Image, LabelMap } from '../volume.ts';
import type { Keyword } from './dictionary.ts';
import { decimal, encodePart10 } from './encode.ts';
import { exampleImage, exampleLabels, exampleMeta, exampleStudy } from './example-study.ts';
import { parsePart10 } from './part10.ts';
import { readDicomSeries } from './read-ct-series.ts';
import { readDicomSegmentation } from './read-segmentation.ts';
import { renalSegments } from './segments.ts';
import { uidOf } from './uid.ts';
import { writeDicomSeries } from './write-ct-series.ts';
import { writeDicomSegmentation } from './write-segmentation.ts';

interface Recorded {
  encodings: { name: string; file: string; hu: string }[];
  foreign: { ct: string[]; segmentations: { kind: string; file: string; labels: string }[] };
  example: {
    patientName: string;
    ctSha256: string[];
    segmentationSha256: string;
    grid: SimpleItkGrid;
    hu: string;
    labels: string;
    segments: { number: number; label: string; type: string; category: string }[];
  };
  real: {
    series: { folder: string; files: string[]; grid: SimpleItkGrid; lastPosition: number[]; huSha256: string }[];
    ctImageHuSha256: string;
    segmentations: { file: string; ct: string; labelsSha256: string; voxels: number }[];
  };
}
const record = recorded<Recorded>('dicom.json');
const example = await exampleStudy();
const exampleSeries = await readDicomSeries(example.ct);
const foreign = await readDicomSeries(record.foreign.ct.map(fromBase64.uint8));
const manual = { algorithmType: 'MANUAL' } as const;
const segmentationMeta = {
  seriesInstanceUid: uidOf('s'),
  sopInstanceUid: uidOf('i'),
  contentDate: '20260101',
  contentTime: '000000',
};

describe.each(record.encodings)('a slice that pydicom wrote as $name', ({ file, hu }) => {
  const bytes = fromBase64.uint8(file);

  test("has pydicom's HU", async () => {
    expect(Float32Array.from((await readDicomSeries([bytes])).image.voxels)).toEqual(fromBase64.float32(hu));
  });

  test('cut short at any of many places is refused as what it is', async () => {
    for (let length = 0; length < bytes.length; length += 5) {
      // A cut in the zero padding behind the last pixel takes nothing away.
      await seriesOrImagingError([bytes.slice(0, length)], fromBase64.float32(hu));
    }
  });
});

describe('the example study', () => {
  const { image, series, findings } = exampleSeries;

  test('is, byte for byte, the one that highdicom, pydicom and SimpleITK have read', async () => {
    expect(example.ct.map(sha256)).toEqual(record.example.ctSha256);
    expect(sha256(example.segmentation)).toBe(record.example.segmentationSha256);
  });

  test('says in SimpleITK what was written', async () => {
    expect(exampleImage.voxels).toEqual(fromBase64.int16(record.example.hu));
    expectGrid(exampleImage.geometry, record.example.grid);
  });

  test('says in highdicom what was written', async () => {
    expect(exampleLabels.voxels).toEqual(fromBase64.uint8(record.example.labels));
    expect(record.example.segments).toEqual(
      renalSegments(manual).map(({ number, label, type, category }) => ({
        number,
        label,
        type: type.value,
        category: category.value,
      })),
    );
    expect(record.example.patientName).toBe(exampleMeta.patient.name);
  });

  test('says here what was written', async () => {
    expect(findings).toEqual([]);
    expect(image.voxels).toEqual(exampleImage.voxels);
    expect(sameGrid(image.geometry, exampleImage.geometry, 1e-6)).toBe(true);
    const { instanceUid, frameOfReferenceUid, patient, study, acquisition } = series;
    expect({ instanceUid, frameOfReferenceUid, patient, study, acquisition }).toEqual({
      instanceUid: exampleMeta.seriesInstanceUid,
      frameOfReferenceUid: exampleMeta.frameOfReferenceUid,
      patient: exampleMeta.patient,
      study: exampleMeta.study,
      acquisition: exampleMeta.acquisition,
    });
    const back = await readDicomSegmentation(example.segmentation, image.geometry);
    expect(back.labels.voxels).toEqual(exampleLabels.voxels);
    expect(back.segments.map(({ label }) => label)).toEqual(['Kidney', 'Tumour', 'Cyst']);
    expect(back.referencedSeriesUid).toBe(series.instanceUid);
    expect(back.frameOfReferenceUid).toBe(series.frameOfReferenceUid);
    expect([back.overlapPixels, back.outsidePixels]).toEqual([0, 0]);
  });
});

describe("highdicom's segmentations", () => {
  const { geometry } = foreign.image;
  test.each(record.foreign.segmentations)('of type $kind', async ({ file, labels }) => {
    const found = await readDicomSegmentation(fromBase64.uint8(file), geometry);
    expect(found.labels.voxels).toEqual(fromBase64.uint8(labels));
    expect(found.segments.map(({ label }) => label)).toEqual(['one', 'two']);
  });
});

test('a volume written as a CT series comes back, whatever its axes, the slices in any order', async () => {
  await fc.assert(
    fc.asyncProperty(volumes(5), fc.nat(), async (volume, turn) => {
      const image: Image = {
        geometry: rightHanded(volume.geometry),
        voxels: Int16Array.from(volume.voxels, (value) => Math.max(-1024, value % 3000)),
      };
      const files = writeDicomSeries(image, exampleMeta);
      const back = (
        await readDicomSeries([...files.slice(turn % files.length), ...files.slice(0, turn % files.length)])
      ).image;
      expect(back.voxels).toEqual(image.voxels);
      const { size } = image.geometry;
      // The spacing of a single slice is its thickness, which is of the example here.
      const compared = size[0] === 1 ? { ...back.geometry, spacingMm: image.geometry.spacingMm } : back.geometry;
      expect(sameGrid(compared, image.geometry, 0.02)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('labels written as a segmentation come back, also onto a turned and cropped grid', async () => {
  await fc.assert(
    fc.asyncProperty(volumes(5), async (volume) => {
      const geometry = rightHanded(volume.geometry);
      const labels: LabelMap = { geometry, voxels: Uint8Array.from(volume.voxels, (value) => Math.abs(value) % 4) };
      const { series } = await readDicomSeries(
        writeDicomSeries({ geometry, voxels: new Int16Array(labels.voxels) }, exampleMeta),
      );
      const file = writeDicomSegmentation(labels, renalSegments(manual), { ...series, geometry }, segmentationMeta);
      expect((await readDicomSegmentation(file, geometry)).labels.voxels).toEqual(labels.voxels);
      const { axes, size } = geometry;
      const flipped: Geometry = {
        ...geometry,
        originMm: worldOf(geometry, [size[0] - 1, 0, 0]),
        axes: [axes[0].map((part) => -part) as never, axes[1], axes[2]],
      };
      const expected = resampleLabels(labels, flipped).voxels;
      expect((await readDicomSegmentation(file, flipped)).labels.voxels).toEqual(expected);
      const cropped = croppedGeometry(geometry, [0, -1, 0], size);
      expect((await readDicomSegmentation(file, cropped)).labels.voxels).toEqual(
        resampleLabels(labels, cropped).voxels,
      );
    }),
    { numRuns: 50 },
  );
});

test('a segmentation on another spacing is resampled', async () => {
  const { geometry } = exampleImage;
  const finer = respaced(geometry, [1.25, 0.5, 0.5]);
  const found = (await readDicomSegmentation(example.segmentation, finer)).labels;
  // The file says nothing of the empty slices at the ends, so compare with labels that do not have them either.
  const cropped = croppedGeometry(geometry, [1, 0, 0], [3, 7, 9]);
  const own: LabelMap = { geometry: cropped, voxels: exampleLabels.voxels.slice(63, 63 * 4) };
  expect(found.voxels).toEqual(resampleLabels(own, finer).voxels);
});

describe('a series with', () => {
  const files = example.ct;
  const changed = (z: number, more: Parameters<typeof rewritten>[1]): Uint8Array => rewritten(z, more);

  test('a slice twice: left out and reported', async () => {
    const { image, findings } = await readDicomSeries([...files, files[2]!]);
    expect(image.voxels).toEqual(exampleImage.voxels);
    expect(findings).toEqual([{ kind: 'duplicate-left-out', count: 1 }]);
  });
  test('a scout image: left out and reported', async () => {
    const scout = changed(0, { ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'], SOPInstanceUID: uidOf('scout') });
    expect((await readDicomSeries([scout, ...files])).findings).toEqual([{ kind: 'localizer-left-out', count: 1 }]);
  });
  test('a gantry tilt: sheared as it is, and reported', async () => {
    const tilted = files.map((_, z) => changed(z, { ImagePositionPatient: ['0', decimal(z * 0.5), decimal(z * 2.5)] }));
    const { image, findings } = await readDicomSeries(tilted);
    expect(findings).toEqual([{ kind: 'gantry-tilt', degrees: expect.closeTo(11.3099, 3) }]);
    expect(worldOf(image.geometry, [4, 0, 0])).toEqual([0, expect.closeTo(2, 9), expect.closeTo(10, 9)]);
  });
  test('positions a little off: taken and reported', async () => {
    const uneven = [...files.slice(0, 2), changed(2, { ImagePositionPatient: position(2, 0.06) }), ...files.slice(3)];
    expect((await readDicomSeries(uneven)).findings).toEqual([
      { kind: 'spacing-uneven', deviationMm: expect.closeTo(0.06, 6) },
    ]);
  });
  test('padding: made air and reported', async () => {
    const { image, findings: found } = await readDicomSeries(
      files.map((_, z) => changed(z, { PixelPaddingValue: 1024 + 15 })),
    );
    const count = exampleImage.voxels.filter((hu) => hu === 15).length;
    expect(count).toBeGreaterThan(0);
    expect(found).toEqual([{ kind: 'padding-replaced', voxels: count }]);
    expect(image.voxels.includes(15)).toBe(false);
  });
  test('values below air, as outside of the field of view: made air and reported', async () => {
    const low = files.map((_, z) => changed(z, { RescaleIntercept: '-2000' }));
    const { image, findings } = await readDicomSeries(low);
    expect(Math.min(...image.voxels)).toBe(-1024);
    expect(findings[0]?.kind).toBe('padding-replaced');
  });
  test('no rescale: stored values taken for HU and reported', async () => {
    const bare = files.map((_, z) => changed(z, { RescaleIntercept: undefined }));
    expect((await readDicomSeries(bare)).findings).toEqual([{ kind: 'rescale-missing' }]);
  });
  test('one slice only: reported', async () => {
    const { image, findings } = await readDicomSeries([files[3]!]);
    expect(findings).toEqual([{ kind: 'single-slice' }]);
    expect(image.geometry.spacingMm[0]).toBe(2.5);
  });

  test('slices missing says, locally, after which', async () => {
    const gaps = files.filter((_, z) => z !== 1 && z !== 4);
    await expect(readDicomSeries(gaps)).rejects.toThrow(expect.objectContaining({ detail: 'after slices 1, 3' }));
  });

  const refusals: [string, () => readonly Uint8Array[], ImagingErrorCode][] = [
    ['no file', () => [], 'imaging.series-empty'],
    ['a slice missing', () => files.filter((_, z) => z !== 3), 'imaging.series-slices-missing'],
    [
      'uneven slices',
      () => [...files.slice(0, 5), changed(5, { ImagePositionPatient: position(5, 1.1) })],
      'imaging.series-spacing-uneven',
    ],
    [
      'another slice at the same place',
      () => [...files, changed(1, { ImagePositionPatient: position(2, 0), SOPInstanceUID: uidOf('x') })],
      'imaging.series-positions-repeat',
    ],
    [
      'a slice of another series',
      () => [...files.slice(1), changed(0, { SeriesInstanceUID: uidOf('other') })],
      'imaging.series-mixed',
    ],
    [
      'a slice turned',
      () => [...files.slice(1), changed(0, { ImageOrientationPatient: ['0', '1', '0', '-1', '0', '0'] })],
      'imaging.series-slices-differ',
    ],
    ['an image that is no CT', () => [changed(0, { Modality: 'MR' })], 'imaging.dicom-not-ct'],
    ['no position', () => [changed(0, { ImagePositionPatient: undefined })], 'imaging.dicom-attribute-missing'],
    [
      'a position that is no number',
      () => [changed(0, { ImagePositionPatient: ['a', 'b', 'c'] })],
      'imaging.dicom-attribute-invalid',
    ],
    [
      'an impossible orientation',
      () => [changed(0, { ImageOrientationPatient: ['1', '0', '0', '1', '0', '0'] })],
      'imaging.dicom-attribute-invalid',
    ],
    ['colour', () => [changed(0, { SamplesPerPixel: 3 })], 'imaging.dicom-pixels-unsupported'],
    ['no image', () => [changed(0, { Rows: undefined })], 'imaging.dicom-pixels-missing'],
    [
      'more voxels than are read',
      () =>
        Array.from({ length: 9 }, (_, z) =>
          changed(0, {
            ...{ Rows: 16_384, Columns: 16_384, SOPInstanceUID: uidOf('large', z) },
            ImagePositionPatient: ['0', '0', decimal(z)],
          }),
        ),
      'imaging.volume-too-large',
    ],
    ['too few pixels', () => [changed(0, { Rows: 500 })], 'imaging.dicom-pixels-truncated'],
    ['frames without a place', () => [changed(0, { NumberOfFrames: 2 })], 'imaging.dicom-attribute-missing'],
    [
      'an enhanced CT that does not describe its frames',
      () => [changed(0, { SharedFunctionalGroupsSequence: [{ ImageComments: '' }] })],
      'imaging.dicom-attribute-invalid',
    ],
    ['text', () => [new TextEncoder().encode('hello, this is no image')], 'imaging.dicom-not-dicom'],
    ['a damaged file', () => [files[0]!.slice(0, 400)], 'imaging.dicom-damaged'],
    ['compressed pixels', () => [withTransferSyntax('1.2.840.10008.1.2.4.110')], 'imaging.transfer-syntax-unsupported'],
  ];
  test.each(refusals)('%s: refused', async (_, make, code) => {
    await expect(readDicomSeries(make())).rejects.toThrow(expect.objectContaining({ code }));
  });
});

test('a file without preamble and meta information is read', async () => {
  const start = 132 + metaBytes(example.ct[0]!);
  expect((await readDicomSeries([example.ct[0]!.slice(start)])).image.voxels).toEqual(exampleImage.voxels.slice(0, 63));
});

describe('a segmentation', () => {
  const { series } = exampleSeries;
  const grid = exampleImage.geometry;
  const write = (labels: LabelMap, segments = renalSegments(manual)) =>
    writeDicomSegmentation(labels, segments, series, segmentationMeta);

  test('without any label is one empty frame', async () => {
    const empty: LabelMap = { geometry: grid, voxels: new Uint8Array(exampleLabels.voxels.length) };
    expect((await readDicomSegmentation(write(empty), grid)).labels).toEqual(empty);
  });
  test('with overlapping segments keeps the highest number and counts the pixels', async () => {
    const file = write({ geometry: grid, voxels: exampleLabels.voxels.map((value) => (value === 0 ? 0 : 1)) });
    const twice = segmentationFrames(file, [1, 2]);
    const found = await readDicomSegmentation(twice, grid);
    expect(found.overlapPixels).toBeGreaterThan(0);
    expect(found.labels.voxels.includes(2)).toBe(true);
  });
  test('of labels on another grid is refused', async () => {
    const labels = { ...exampleLabels, geometry: { ...grid, originMm: [0, 0, 0] as const } };
    expect(() => write(labels)).toThrow(expect.objectContaining({ code: 'imaging.grid-mismatch' }));
  });
  test('whose segments do not say what a label is, or are not numbered in order, is refused', async () => {
    const refused = expect.objectContaining({ code: 'imaging.segments-invalid' });
    expect(() => write(exampleLabels, renalSegments(manual).slice(0, 2))).toThrow(refused);
    expect(() => write(exampleLabels, renalSegments(manual).toReversed())).toThrow(refused);
    expect(() => write(exampleLabels, renalSegments({ algorithmType: 'AUTOMATIC' }))).toThrow(refused);
  });
  test('that is an image, of an unknown type, or not in the patient is refused', async () => {
    const code = async (file: Uint8Array): Promise<string> => {
      try {
        await readDicomSegmentation(file, grid);
        return 'read';
      } catch (error) {
        return (error as ImagingError).code;
      }
    };
    expect(await code(example.ct[0]!)).toBe('imaging.segmentation-unsupported');
    expect(await code(replaced(example.segmentation, 'BINARY', 'FRACTI'))).toBe('imaging.segmentation-unsupported');
    const nowhere = replacedBytes(example.segmentation, [0x20, 0, 0x13, 0x91], [0x20, 0, 0x14, 0x91]);
    expect(await code(nowhere)).toBe('imaging.segmentation-not-in-patient');
  });
  test('whose planes are not evenly spaced is refused where it has to be resampled', async () => {
    const positions = indicesOfBytes(example.segmentation, [0x20, 0, 0x32, 0, 0x44, 0x53]);
    const file = example.segmentation.slice();
    const text = new TextDecoder('latin1').decode(file.subarray(positions[0]!, positions[0]! + 40));
    const at = positions[0]! + text.indexOf('-298.5');
    file.set(new TextEncoder().encode('-299.3'), at);
    const finer = respaced(grid, [1.25, 0.5, 0.5]);
    await expect(readDicomSegmentation(file, finer)).rejects.toThrow(
      expect.objectContaining({ code: 'imaging.segmentation-grid-unsupported' }),
    );
  });
  test('cut short at any of many places is refused as what it is', async () => {
    for (let length = 0; length < example.segmentation.length; length += 13) {
      await expectImagingError(() => readDicomSegmentation(example.segmentation.slice(0, length), grid));
    }
  });
});

test('the example slice cut short anywhere is refused as what it is', async () => {
  const file = example.ct[0]!;
  for (let length = 0; length < file.length; length += 3)
    await expectImagingError(() => readDicomSeries([file.slice(0, length)]));
});

test('any few damaged bytes give a volume or an ImagingError, never another error', async () => {
  const slices = [example.ct[0]!, ...record.encodings.map(({ file }) => fromBase64.uint8(file))];
  const segmentations = [
    example.segmentation,
    ...record.foreign.segmentations.map(({ file }) => fromBase64.uint8(file)),
  ];
  const damages = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.nat(), damages, fc.boolean(), async (which, places, isSlice) => {
      const files = isSlice ? slices : segmentations;
      const damaged = files[which % files.length]!.slice();
      for (const [place, value] of places) damaged[132 + (place % (damaged.length - 132))] = value;
      try {
        if (isSlice) await readDicomSeries([damaged]);
        else await readDicomSegmentation(damaged, exampleImage.geometry);
      } catch (error) {
        if (!(error instanceof ImagingError)) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});

test('decimal strings are at most 16 characters and as exact as that allows', async () => {
  fc.assert(
    fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
      const text = decimal(value);
      expect(text.length).toBeLessThanOrEqual(16);
      expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(Math.max(1e-9, Math.abs(value) * 1e-8));
    }),
  );
});

test('a number that no decimal string can hold is refused', async () => {
  const image: Image = { ...exampleImage, geometry: { ...exampleImage.geometry, spacingMm: [1, Number.NaN, 1] } };
  expect(() => decimal(-1.234567e-100)).not.toThrow();
  expect(() => writeDicomSeries({ ...image, voxels: exampleImage.voxels }, exampleMeta)).toThrow(
    expect.objectContaining({ code: 'imaging.dicom-value-unwritable' }),
  );
});

describe('real files', () => {
  const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
  const skipped = existsSync(`${root}/dicom`) ? false : 'no real data: set CONSILIUM_TEST_DATA to try the real series';
  if (skipped) console.info(skipped);
  const file = (path: string): Uint8Array => readFileSync(`${root}/${path}`);

  test.skipIf(skipped).each(record.real.series)(
    '$folder lies where SimpleITK says and has its HU',
    async (expected) => {
      const { image } = await readDicomSeries(expected.files.map((name) => file(`${expected.folder}/${name}`)));
      expect(sha256(Int16Array.from(image.voxels))).toBe(expected.huSha256);
      const { geometry } = image;
      for (const axis of [0, 1, 2] as const) {
        const top = expected.folder.includes('3slice') ? expected.lastPosition : undefined;
        expect(geometry.spacingMm[2 - axis]).toBeCloseTo(expected.grid.spacing[axis]!, 4);
        expect(geometry.size[2 - axis]).toBe(expected.grid.size[axis]);
        const last = worldOf(geometry, [geometry.size[0] - 1, 0, 0]);
        expect(last[axis]).toBeCloseTo((top ?? expected.lastPosition)[axis]!, 3);
        // SimpleITK has no word for a gantry tilt, so slices' direction is compared by the last position alone.
        for (const world of [0, 1, 2] as const) {
          if (axis < 2)
            expect(geometry.axes[2 - axis]![world]).toBeCloseTo(expected.grid.direction[world * 3 + axis]!, 5);
        }
      }
    },
  );

  test
    .skipIf(skipped)
    .each([
      'CTImage.dcm',
      'CTImage.dcm_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm',
      'CTImage.dcm_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm',
      'CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm',
      'CTImage.dcm_LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm',
      'CTImage.dcm_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm',
    ])('%s has the HU of the plain image', async (name) => {
    const { voxels } = (await readDicomSeries([file(`dicom/ts/cornerstone/${name}`)])).image;
    expect(sha256(Int16Array.from(voxels))).toBe(record.real.ctImageHuSha256);
  });

  test.skipIf(skipped).each(record.real.segmentations)('$file has the labels that pydicom says', async (expected) => {
    const names = ['01.dcm', '02.dcm', '03.dcm', 'IMG0001.dcm', 'IMG0002.dcm', 'IMG0003.dcm'];
    const present = names.filter((name) => existsSync(`${root}/${expected.ct}/${name}`));
    const { geometry } = (await readDicomSeries(present.map((name) => file(`${expected.ct}/${name}`)))).image;
    const { labels } = await readDicomSegmentation(file(expected.file), geometry);
    expect(labels.voxels.filter((value) => value > 0).length).toBe(expected.voxels);
    expect(sha256(labels.voxels)).toBe(expected.labelsSha256);
  });
});

function position(z: number, moreMm: number): string[] {
  const [x, y, height] = worldOf(exampleImage.geometry, [z, 0, 0]);
  return [decimal(x), decimal(y), decimal(height + moreMm)];
}

/** Slice z of the example with other attributes. */
function rewritten(z: number, more: Parameters<typeof encodePart10>[0]): Uint8Array {
  const { data } = parsePart10(example.ct[z]!);
  const texts = [
    'SOPClassUID',
    'SOPInstanceUID',
    'SeriesInstanceUID',
    'StudyInstanceUID',
    'FrameOfReferenceUID',
    'ConvolutionKernel',
    'KVP',
    'Modality',
    'ImageType',
    'ImagePositionPatient',
    'ImageOrientationPatient',
    'PixelSpacing',
    'SliceThickness',
    'RescaleSlope',
    'RescaleIntercept',
    'PhotometricInterpretation',
  ] as const satisfies readonly Keyword[];
  const numbers = [
    'Rows',
    'Columns',
    'BitsAllocated',
    'BitsStored',
    'HighBit',
    'PixelRepresentation',
    'SamplesPerPixel',
  ] as const satisfies readonly Keyword[];
  return encodePart10({
    ...Object.fromEntries(texts.map((keyword) => [keyword, data.texts(keyword)])),
    ...Object.fromEntries(numbers.map((keyword) => [keyword, data.numbers(keyword)])),
    PixelData: data.bytes('PixelData')!,
    ...more,
  });
}

function withTransferSyntax(uid: string): Uint8Array {
  const file = example.ct[0]!;
  // The same length of text, so that no other byte has to change.
  const before = '1.2.840.10008.1.2.1\0';
  const meta = replaced(file, before, '1.2.840.10008.1.2.4\0');
  expect(uid.startsWith('1.2.840.10008.1.2.4')).toBe(true);
  return meta;
}

/** A segmentation file whose second half of frames is of the second segment given. */
function segmentationFrames(file: Uint8Array, [first, second]: readonly [number, number]): Uint8Array {
  const result = file.slice();
  const needle = [0x62, 0, 0x0b, 0, 0x55, 0x53, 2, 0, first, 0];
  const places = indicesOfBytes(result, needle);
  const { data } = parsePart10(file);
  const frames = data.number('NumberOfFrames')!;
  expect(places.length).toBe(frames);
  // The last frame becomes one of the second segment at the place of the first frame.
  result[places.at(-1)! + 8] = second;
  const positions = indicesOfBytes(result, [0x20, 0, 0x32, 0, 0x44, 0x53]);
  const [from, to] = [positions[0]!, positions.at(-1)!];
  const length = result[from + 6]! + 8;
  expect(result[to + 6]! + 8).toBe(length);
  result.copyWithin(to, from, from + length);
  return result;
}

function replaced(file: Uint8Array, before: string, after: string): Uint8Array {
  return replacedBytes(file, [...new TextEncoder().encode(before)], [...new TextEncoder().encode(after)]);
}

function replacedBytes(file: Uint8Array, before: readonly number[], after: readonly number[]): Uint8Array {
  const result = file.slice();
  const places = indicesOfBytes(result, before);
  expect(places.length).toBeGreaterThan(0);
  for (const place of places) result.set(after, place);
  return result;
}

function indicesOfBytes(file: Uint8Array, needle: readonly number[]): number[] {
  const places: number[] = [];
  for (let at = 0; at + needle.length <= file.length; at++) {
    if (needle.every((byte, index) => file[at + index] === byte)) places.push(at);
  }
  return places;
}

function metaBytes(file: Uint8Array): number {
  return 12 + new DataView(file.buffer, file.byteOffset).getUint32(140, true);
}

/** DICOM says how rows and columns run; slices follow from them. */
function rightHanded(geometry: Geometry): Geometry {
  const [z, y, x] = geometry.axes;
  const crossed =
    x[0] * (y[1] * z[2] - y[2] * z[1]) + x[1] * (y[2] * z[0] - y[0] * z[2]) + x[2] * (y[0] * z[1] - y[1] * z[0]);
  return crossed > 0 ? geometry : { ...geometry, axes: [z.map((part) => -part) as never, y, x] };
}

function expectGrid(geometry: Geometry, grid: SimpleItkGrid): void {
  for (const axis of [0, 1, 2] as const) {
    expect(geometry.size[2 - axis]).toBe(grid.size[axis]);
    expect(geometry.spacingMm[2 - axis]).toBeCloseTo(grid.spacing[axis]!, 6);
    expect(geometry.originMm[axis]).toBeCloseTo(grid.origin[axis]!, 6);
    for (const world of [0, 1, 2] as const) {
      expect(geometry.axes[2 - axis]![world]).toBeCloseTo(grid.direction[world * 3 + axis]!, 6);
    }
  }
}

function sha256(data: Uint8Array | Int16Array): string {
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

async function expectImagingError(action: () => Promise<unknown>): Promise<void> {
  let thrown: unknown;
  try {
    await action();
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof ImagingError)) throw new Error('an ImagingError was expected', { cause: thrown });
}

async function seriesOrImagingError(files: readonly Uint8Array[], hu: Float32Array): Promise<void> {
  try {
    expect(Float32Array.from((await readDicomSeries(files)).image.voxels)).toEqual(hu);
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
  }
}
