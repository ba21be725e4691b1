import fc from 'fast-check';
import { gunzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { axisAligned, sameGrid, worldOf } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import { fromBase64, recorded, type SimpleItkGrid } from '../recorded-array.ts';
import { volumes } from '../sampled.ts';
import type { Volume } from '../volume.ts';
import { decodeNifti } from './decode.ts';
import { encodeNifti } from './encode.ts';

interface RecordedFile {
  name: string;
  file: string;
  affine: number[][];
  shape: number[];
  values: string;
  /** null where SimpleITK cannot read the file (NIfTI-2). */
  sitk: SimpleItkGrid | null;
}
const { cases } = recorded<{ cases: RecordedFile[] }>('nifti.json');

describe.each(cases)('the recorded file "$name"', (recordedFile) => {
  const packed = fromBase64.uint8(recordedFile.file);
  const volume = decodeNifti(packed);

  test('lies where nibabel says', () => {
    const { affine, shape } = recordedFile;
    for (const [i, j, k] of [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [3, 2, 1],
    ] as const) {
      const [x, y, z] = worldOf(volume.geometry, [k, j, i]);
      for (const [row, value] of [-x, -y, z].entries()) {
        const a = affine[row]!;
        expect(value).toBeCloseTo(a[0]! * i + a[1]! * j + a[2]! * k + a[3]!, 4);
      }
    }
    expect([...volume.geometry.size].reverse()).toEqual(shape);
  });

  // SimpleITK replaces a sheared sform by the qform beside it.
  test.skipIf(recordedFile.sitk === null || recordedFile.name.startsWith('sheared'))(
    'lies where SimpleITK says',
    () => {
      const { origin, spacing, direction } = recordedFile.sitk!;
      // Without a form, SimpleITK and nibabel disagree on the origin.
      const { geometry } = volume;
      for (const world of [0, 1, 2] as const) {
        if (recordedFile.name !== 'neither form') expect(geometry.originMm[world]).toBeCloseTo(origin[world]!, 3);
        expect([...geometry.spacingMm].reverse()[world]).toBeCloseTo(spacing[world]!, 5);
        for (const axis of [0, 1, 2] as const) {
          if (recordedFile.name === 'neither form') continue;
          expect(geometry.axes[2 - axis]![world]).toBeCloseTo(direction[world * 3 + axis]!, 5);
        }
      }
    },
  );

  test("has nibabel's values", () => {
    const expected = fromBase64.float64(recordedFile.values);
    expect(volume.voxels.length).toBe(expected.length);
    for (const [at, value] of expected.entries()) expect(volume.voxels[at]).toBe(Math.fround(value));
  });

  test('cut short anywhere, packed or not, is refused as what it is', () => {
    const whole = gunzipSync(packed);
    for (let length = 0; length < whole.length; length++) expectImagingError(() => decodeNifti(whole.slice(0, length)));
    for (let length = 0; length < packed.length; length++)
      expectImagingError(() => decodeNifti(packed.slice(0, length)));
  });
});

test('reading back what was written gives the same volume', () => {
  fc.assert(
    fc.property(volumes(6), fc.constantFrom<1 | 2>(1, 2), fc.boolean(), (volume, version, gzip) => {
      const back = decodeNifti(encodeNifti(volume, { version, gzip }));
      expect(back.voxels).toEqual(volume.voxels);
      expect(sameGrid(back.geometry, volume.geometry, 1e-3)).toBe(true);
    }),
  );
});

test('reading a file and writing it again changes no number of its affine beyond float32', () => {
  for (const { file } of cases) {
    const first = decodeNifti(fromBase64.uint8(file));
    const second = decodeNifti(encodeNifti(first));
    const third = decodeNifti(encodeNifti(second));
    expect(sameGrid(second.geometry, first.geometry, 1e-4)).toBe(true);
    expect(third.geometry.originMm).toEqual(second.geometry.originMm);
  }
});

test('the qform that is written says the same as the sform', () => {
  fc.assert(
    fc.property(volumes(6), fc.constantFrom<1 | 2>(1, 2), (volume, version) => {
      const file = encodeNifti(volume, { version, gzip: false });
      const sformCode = version === 1 ? 254 : 348;
      expect(file[sformCode]).toBe(1);
      expect(sameGrid(decodeNifti(file.with(sformCode, 0)).geometry, volume.geometry, 0.02)).toBe(true);
    }),
  );
});

test('the same volume gives the same bytes', () => {
  fc.assert(
    fc.property(volumes(4), (volume) => {
      expect(encodeNifti(volume)).toEqual(encodeNifti({ ...volume, voxels: volume.voxels.slice() } as Volume));
    }),
  );
});

test('any few damaged bytes give a volume or an ImagingError, never another error', () => {
  const files = cases.map(({ file }) => gunzipSync(fromBase64.uint8(file)));
  fc.assert(
    fc.property(
      fc.nat(files.length - 1),
      fc.array(fc.tuple(fc.oneof(fc.nat(351), fc.nat(600)), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      (index, damages) => {
        const damaged = files[index]!.slice();
        for (const [at, value] of damages) if (at < damaged.length) damaged[at] = value;
        volumeOrImagingError(damaged);
      },
    ),
    { numRuns: 3000 },
  );
});

test('any few damaged bytes in a packed file give a volume or an ImagingError, never another error', () => {
  const files = cases.map(({ file }) => fromBase64.uint8(file));
  fc.assert(
    fc.property(fc.nat(files.length - 1), fc.nat(), fc.integer({ min: 0, max: 255 }), (index, place, value) => {
      const damaged = files[index]!.slice();
      damaged[place % damaged.length] = value;
      volumeOrImagingError(damaged);
    }),
    { numRuns: 2000 },
  );
});

test('reads an unpacked file as Node reads it from disk: a Buffer, whose slices are views', () => {
  const geometry = axisAligned({ size: [2, 3, 4], spacingMm: [1, 1, 1] });
  const volume = { geometry, voxels: Uint8Array.from({ length: 24 }, (_, at) => at) };
  const file = Buffer.from(encodeNifti(volume, { gzip: false }));
  expect(decodeNifti(file).voxels).toEqual(volume.voxels);
});

describe('refuses, by name,', () => {
  const sound = encodeNifti(
    { geometry: axisAligned({ size: [2, 2, 2], spacingMm: [1, 1, 1] }), voxels: new Uint8Array(8) },
    { gzip: false },
  );
  const changed = (offset: number, ...bytes: number[]): Uint8Array => {
    const file = sound.slice();
    file.set(bytes, offset);
    return file;
  };
  const small = changed(40, 3, 0, 0xff, 0x7f, 0xff, 0x7f);

  test.each([
    ['nothing at all', new Uint8Array(0), 'imaging.nifti-truncated'],
    ['text', new TextEncoder().encode('not an image, but long enough to be read as one'), 'imaging.nifti-not-nifti'],
    ['half of a pair', changed(344, 0x6e, 0x69, 0x31, 0), 'imaging.nifti-not-nifti'],
    ['no dimension', changed(40, 0, 0), 'imaging.nifti-header-invalid'],
    ['a dimension of 0', changed(42, 0, 0), 'imaging.nifti-header-invalid'],
    ['a time series', changed(40, 4, 0, 2, 0, 2, 0, 1, 0, 2, 0), 'imaging.nifti-not-3d'],
    ['colour', changed(70, 128, 0), 'imaging.nifti-datatype-unsupported'],
    ['voxels inside the header', changed(108, 0, 0, 0, 0), 'imaging.nifti-header-invalid'],
    ['no position', changed(280, ...new Array(48).fill(0)), 'imaging.nifti-affine-invalid'],
    ['a position that is not a number', changed(292, 0, 0, 0xc0, 0x7f), 'imaging.nifti-affine-invalid'],
    ['more voxels than the file holds', small, 'imaging.nifti-truncated'],
    [
      'more voxels than memory holds',
      changed(46, 0xff, 0x7f, 1, 0).with(43, 0x7f).with(45, 0x7f),
      'imaging.nifti-size-unsupported',
    ],
  ])('%s', (_, file, code) => {
    expect(() => decodeNifti(file)).toThrow(expect.objectContaining({ code }));
  });

  test('a packed file whose checksum does not match', () => {
    const packed = fromBase64.uint8(cases[0]!.file);
    for (const back of [8, 7, 6, 5]) {
      const damaged = packed.slice();
      damaged[packed.length - back]! ^= 1;
      expect(() => decodeNifti(damaged)).toThrow(expect.objectContaining({ code: 'imaging.gzip-corrupt' }));
    }
  });

  test('a packed file that claims far more than it can hold', async () => {
    const { gzipSync } = await import('fflate');
    expect(() => decodeNifti(gzipSync(small))).toThrow(expect.objectContaining({ code: 'imaging.gzip-size-mismatch' }));
  });

  test('a packed file that goes on and on after the voxels', async () => {
    const { gzipSync } = await import('fflate');
    const long = new Uint8Array(4_000_000);
    long.set(sound);
    expect(() => decodeNifti(gzipSync(long))).toThrow(expect.objectContaining({ code: 'imaging.gzip-size-mismatch' }));
  });

  test('a volume too long for NIfTI-1, which NIfTI-2 takes', () => {
    const volume = {
      geometry: axisAligned({ size: [1, 1, 40000], spacingMm: [1, 1, 1] }),
      voxels: new Uint8Array(40000),
    };
    expect(() => encodeNifti(volume)).toThrow(expect.objectContaining({ code: 'imaging.nifti-size-unsupported' }));
    expect(decodeNifti(encodeNifti(volume, { version: 2 })).geometry.size).toEqual([1, 1, 40000]);
  });

  test('a volume whose voxels are not as many as its grid says', () => {
    const volume = { geometry: axisAligned({ size: [1, 1, 4], spacingMm: [1, 1, 1] }), voxels: new Uint8Array(3) };
    expect(() => encodeNifti(volume)).toThrow(expect.objectContaining({ code: 'imaging.volume-inconsistent' }));
  });
});

test('several packed parts one after the other are one file', async () => {
  const { gzipSync } = await import('fflate');
  const volume = {
    geometry: axisAligned({ size: [2, 3, 4], spacingMm: [1, 1, 1] }),
    voxels: new Uint8Array(24).fill(3),
  };
  const file = encodeNifti(volume, { gzip: false });
  const parts = [gzipSync(file.subarray(0, 100)), gzipSync(file.subarray(100))];
  const joined = new Uint8Array(parts[0]!.length + parts[1]!.length);
  joined.set(parts[0]!);
  joined.set(parts[1]!, parts[0]!.length);
  expect(decodeNifti(joined).voxels).toEqual(volume.voxels);
});

function expectImagingError(action: () => unknown): void {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof ImagingError)) throw new Error('an ImagingError was expected', { cause: thrown });
}

function volumeOrImagingError(file: Uint8Array): void {
  try {
    const { geometry, voxels } = decodeNifti(file);
    expect(voxels.length).toBe(geometry.size[0] * geometry.size[1] * geometry.size[2]);
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
  }
}
