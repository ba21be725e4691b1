import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { axisAligned, sameGrid, voxelCount, worldOf } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import { decodeNrrd, decodeNrrdSegmentation, encodeNrrd } from '../nrrd/nrrd.ts';
import { recorded, type SimpleItkGrid } from '../recorded-array.ts';
import { volumes } from '../sampled.ts';
import type { Geometry, Triple } from '../volume.ts';
import { exampleStudy } from './example-study.ts';
import { readDicomSegmentation } from './read-segmentation.ts';
import { type Contour, readStructureSet } from './read-structures.ts';
import { maskOfStructure } from './structure-mask.ts';

interface Recorded {
  nrrd: (SimpleItkGrid & { file: string; voxels: string })[];
  segmentations: {
    file: string;
    type: string;
    unread?: string;
    segments?: Record<string, { pixels: number; masks: string }>;
  }[];
  structures: {
    size: Triple;
    spacingMm: Triple;
    originMm: Triple;
    structures: { number: number; name: string; voxels: number; mask: string; plastimatch: number }[];
  };
}
const record = recorded<Recorded>('labels.json');
const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
const skipped = existsSync(`${root}/dicom`) ? false : 'no real data: set CONSILIUM_TEST_DATA to try real labels';
if (skipped) console.info(skipped);
const file = (path: string): Uint8Array => readFileSync(`${root}/${path}`);

function digest(values: Uint8Array | Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}

/** The planes of a mask that hold anything, joined. */
function planesOf(mask: Uint8Array, { size }: Geometry): Uint8Array {
  const pixels = size[1] * size[2];
  const planes = Array.from({ length: size[0] }, (_, z) => mask.subarray(z * pixels, (z + 1) * pixels));
  return Uint8Array.from(planes.filter((plane) => plane.includes(1)).flatMap((plane) => [...plane]));
}

describe.skipIf(skipped)('real segmentations', () => {
  const readable = record.segmentations.filter(({ unread }) => unread === undefined);

  test.each(readable)(
    '$file has the pixels of each segment that pydicom finds',
    async ({ file: path, type, segments }) => {
      if (path.includes('liver_') && path.includes('1frame')) {
        // It describes three frames and holds one.
        await expect(readDicomSegmentation(file(path))).rejects.toThrow(ImagingError);
        return;
      }
      const { labels, ...found } = await readDicomSegmentation(file(path));
      expect(found.type).toBe(type);
      const wanted = Object.values(segments!).reduce((sum, { pixels }) => sum + pixels, 0);
      expect(labels.voxels.filter((value) => value > 0).length + found.overlapPixels).toBe(wanted);
      if (found.overlapPixels > 0) return;
      for (const [number, { masks }] of Object.entries(segments!)) {
        const mask = labels.voxels.map((value) => (value === Number(number) ? 1 : 0));
        expect(digest(planesOf(mask, labels.geometry))).toBe(masks);
      }
    },
  );

  test('that pydicom cannot decode are those of the same image stored otherwise; slides are refused', async () => {
    const found: Record<string, string> = {};
    for (const { file: path } of record.segmentations.filter(({ unread }) => unread !== undefined)) {
      found[path.slice(path.lastIndexOf('/') + 1)] = await readDicomSegmentation(file(path)).then(
        ({ labels }) => digest(labels.voxels),
        (error: ImagingError) => error.code,
      );
    }
    const liver = digest((await readDicomSegmentation(file('dicom/seg/dcmqi/segmentations/liver.dcm'))).labels.voxels);
    const odd = (await readDicomSegmentation(file('dicom/pydicom/data_store/liver_nonbyte_aligned.dcm'))).labels.voxels;
    expect(found).toEqual({
      'liver_deflate.dcm': liver,
      'liver_rle.dcm': liver,
      'liver_nonbyte_aligned_deflate.dcm': digest(odd),
      'liver_nonbyte_aligned_rle.dcm': digest(odd),
      'seg_image_cr_binary.dcm': 'imaging.segmentation-not-in-patient',
      'seg_image_sm_control.dcm': 'imaging.segmentation-not-in-patient',
      'seg_image_sm_control_labelmap_palette_color.dcm': 'imaging.segmentation-not-in-patient',
      'seg_image_sm_dots_tiled_full.dcm': 'imaging.dicom-attribute-invalid',
    });
  });

  test.each(['23x38x3', '24x38x3'])("dcmqi's %s is the NRRD file it was made of", async (name) => {
    const folder = `dicom/seg/dcmqi/segmentations/${name}`;
    const made = decodeNrrdSegmentation(file(`${folder}/nrrd/label.nrrd`)).labels;
    const { labels } = await readDicomSegmentation(file(`${folder}/seg/label.seg`), made.geometry);
    expect(labels.voxels.map((value) => Math.min(value, 1))).toEqual(made.voxels.map((value) => Math.min(value, 1)));
  });
});

describe.skipIf(skipped)('real structures', () => {
  const { size, spacingMm, originMm, structures } = record.structures;
  const grid = axisAligned({ size, spacingMm, originMm });
  const set = skipped ? undefined : readStructureSet(file('dicom/rt/dicompyler/example_data/rtss.dcm'));

  test.each(structures)('$name: the voxels that matplotlib finds, near to those of plastimatch', (expected) => {
    const structure = set!.structures.find(({ number }) => number === expected.number)!;
    expect(structure.name).toBe(expected.name);
    const { mask } = maskOfStructure(structure, grid);
    const count = mask.voxels.filter((value) => value === 1).length;
    expect(Math.abs(count - expected.voxels)).toBeLessThanOrEqual(1e-4 * expected.voxels);
    expect(Math.abs(count - expected.plastimatch)).toBeLessThanOrEqual(0.01 * expected.plastimatch);
  });

  test('a file that is none is refused', () => {
    const plan = file('dicom/rt/dicompyler/example_data/rtplan.dcm');
    expect(() => readStructureSet(plan)).toThrow(expect.objectContaining({ code: 'imaging.structures-unsupported' }));
  });
});

describe('a structure', () => {
  const grid = axisAligned({ size: [3, 12, 12], spacingMm: [2, 1, 1] });
  const square = (low: number, high: number, z: number): number[] =>
    [
      [low, low],
      [high, low],
      [high, high],
      [low, high],
    ].flatMap(([x, y]) => [x!, y!, z]);
  const contour = (points: readonly number[], kind = 'CLOSED_PLANAR'): Contour => {
    return { kind, pointsMm: Float64Array.from(points) };
  };
  const count = (...contours: Contour[]): number =>
    maskOfStructure({ contours }, grid).mask.voxels.reduce((sum, value) => sum + value, 0);

  test('is what lies inside of its contours, a contour in a contour being a hole', () => {
    expect(count(contour(square(1.5, 8.5, 2)))).toBe(49);
    expect(count(contour(square(1.5, 8.5, 2)), contour(square(3.5, 5.5, 2)))).toBe(45);
  });
  test('has the hole that a keyhole leads to', () => {
    const outer = [
      [1.5, 1.5],
      [8.5, 1.5],
      [8.5, 8.5],
      [1.5, 8.5],
      [1.5, 1.5],
    ];
    const inner = [
      [3.5, 3.5],
      [3.5, 5.5],
      [5.5, 5.5],
      [5.5, 3.5],
      [3.5, 3.5],
    ];
    const points = [...outer, ...inner].flatMap(([x, y]) => [x!, y!, 2]);
    expect(count(contour(points))).toBe(45);
  });
  test('says what it left out or moved', () => {
    const contours = [
      contour(square(1.5, 8.5, 0)),
      contour(square(1.5, 8.5, 4.6)),
      contour(square(1.5, 8.5, 3.4)),
      contour(square(1.5, 8.5, 40)),
      contour([1, 1, 0], 'POINT'),
      contour([1, 1, 0, 5, 1, 0.5, 5, 5, 0.5]),
    ];
    const kinds = maskOfStructure({ contours }, grid).findings.map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(
      [
        'contours-between-slices',
        'contours-oblique',
        'contours-outside',
        'open-contours',
        'planes-left-out',
        'slices-without-contour',
      ].toSorted(),
    );
  });
});

describe('NRRD', () => {
  test.skipIf(skipped).each(record.nrrd)('$file lies where SimpleITK says, with its values', (expected) => {
    const { geometry, voxels } = decodeNrrd(file(expected.file));
    expect(geometry.size).toEqual(expected.size.toReversed());
    for (const axis of [0, 1, 2] as const) {
      expect(geometry.originMm[axis]).toBeCloseTo(expected.origin[axis]!, 6);
      expect(geometry.spacingMm[2 - axis]).toBeCloseTo(expected.spacing[axis]!, 6);
      for (const world of [0, 1, 2] as const) {
        expect(geometry.axes[2 - axis]![world]).toBeCloseTo(expected.direction[world * 3 + axis]!, 6);
      }
    }
    expect(digest(Float32Array.from(voxels))).toBe(expected.voxels);
  });

  test('comes back as it was written, packed or not', () => {
    fc.assert(
      fc.property(volumes(4), fc.boolean(), (volume, packed) => {
        const back = decodeNrrd(encodeNrrd(volume, { packed }));
        expect(back.voxels).toEqual(volume.voxels);
        expect(sameGrid(back.geometry, volume.geometry, 1e-6)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('keeps the names of segments', () => {
    const geometry = axisAligned({ size: [1, 2, 3], spacingMm: [1, 1, 1] });
    const voxels = Uint8Array.of(0, 1, 2, 2, 0, 1);
    const segments = [
      { name: 'Kidney', colour: [1, 0.5, 0] as const },
      { name: 'Tumour', colour: undefined },
    ];
    const back = decodeNrrdSegmentation(encodeNrrd({ geometry, voxels }, { segments }));
    expect(back.labels.voxels).toEqual(voxels);
    expect(back.segments.map(({ name, colour }) => ({ name, colour }))).toEqual(segments);
  });

  const header = (more: string): Uint8Array =>
    new TextEncoder().encode(
      `NRRD0004\ntype: uchar\ndimension: 4\nspace: right-anterior-superior\nsizes: 2 1 2 1\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\nencoding: raw\nspace origin: (3,4,5)\n${more}\n`,
    );
  const layered =
    'Segment0_ID:=a\nSegment0_Name:=One\nSegment0_LabelValue:=1\nSegment0_Layer:=0\nSegment1_ID:=b\nSegment1_LabelValue:=1\nSegment1_Layer:=1\n';

  test('of segments that overlap in layers, in RAS, is put together', () => {
    const { labels, overlapVoxels, segments } = decodeNrrdSegmentation(Uint8Array.of(...header(layered), 1, 1, 1, 0));
    expect([...labels.voxels]).toEqual([2, 1]);
    expect(overlapVoxels).toBe(1);
    expect(segments.map(({ name }) => name)).toEqual(['One', '']);
    expect(worldOf(labels.geometry, [0, 1, 0])).toEqual([-3, -5, 5]);
  });

  test('that cannot be read is refused by name', () => {
    const code = (bytes: Uint8Array): string => {
      try {
        decodeNrrdSegmentation(bytes);
        return 'read';
      } catch (error) {
        return (error as ImagingError).code;
      }
    };
    const text = (change: (text: string) => string): Uint8Array =>
      new TextEncoder().encode(change(new TextDecoder().decode(header(layered))));
    expect(code(Uint8Array.of(1, 2, 3))).toBe('imaging.nrrd-invalid');
    expect(code(Uint8Array.of(...header(layered), 1))).toBe('imaging.nrrd-truncated');
    expect(code(Uint8Array.of(...header(layered), 7, 1, 1, 0))).toBe('imaging.label-not-a-class');
    expect(code(text((all) => all.replace('raw', 'bzip2')))).toBe('imaging.nrrd-unsupported');
    expect(code(text((all) => all.replace('(1,0,0)', '(x,0,0)')))).toBe('imaging.nrrd-unsupported');
    expect(code(text((all) => all.replace('2 1 2 1', '2 99999 99999 9999')))).toBe('imaging.nrrd-invalid');
  });

  test('damaged anywhere is a volume or an ImagingError', () => {
    const geometry = axisAligned({ size: [2, 3, 4], spacingMm: [1, 1, 1] });
    const whole = encodeNrrd({ geometry, voxels: new Int16Array(voxelCount(geometry)).fill(3) });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (place, value, length) => {
        const damaged = whole.slice(0, length);
        damaged[place] = value;
        try {
          decodeNrrd(damaged);
        } catch (error) {
          if (!(error instanceof ImagingError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('a segmentation is read without a grid, on its own', async () => {
  const { segmentation } = await exampleStudy();
  const { labels } = await readDicomSegmentation(segmentation);
  // Slices without a label are not in the file.
  expect(labels.geometry.size).toEqual([3, 7, 9]);
});
