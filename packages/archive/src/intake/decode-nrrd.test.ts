import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decodeNifti, encodeNifti, readDicomSegmentation, sameGrid, toLabelMap } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toyImage } from '../toy-archive.fixture.ts';
import { decodeNrrd } from './decode-nrrd.ts';

const data = process.env['CONSILIUM_TEST_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data');
const segmentations = join(data, 'dicom/seg/dcmqi/segmentations');
const isThere = existsSync(segmentations);
if (!isThere) console.log('Tests of NRRD by other programs are skipped: there is no ../shared/data.');

const image = toyImage({ seed: 9 });
const limit = { bytesMax: 1e6 };
const header = (...lines: string[]): string =>
  ['NRRD0005', '# by hand', 'type: short', 'dimension: 3', 'sizes: 8 6 4', ...lines, '', ''].join('\n');
const lps = [
  'space: left-posterior-superior',
  'space directions: (0.75,0,0) (0,0.75,0) (0,0,2.5)',
  'space origin: (-20,10,-300)',
];
const raw = Buffer.from(image.voxels.buffer);
const file = (text: string, bytes: Uint8Array): Uint8Array => Buffer.concat([Buffer.from(text, 'latin1'), bytes]);

describe('NRRD', () => {
  it.each<[string, Uint8Array]>([
    ['raw', file(header('encoding: raw', 'endian: little', ...lps), raw)],
    ['gzip', file(header('encoding: gzip', 'endian: little', ...lps), gzipSync(raw))],
    ['big endian', file(header('encoding: raw', 'endian: big', ...lps), Buffer.from(raw).swap16())],
    [
      'RAS',
      file(
        header(
          'encoding: raw',
          'endian: little',
          'space: RAS',
          'space directions: (-0.75,0,0) (0,-0.75,0) (0,0,2.5)',
          'space origin: (20,-10,-300)',
        ),
        raw,
      ),
    ],
  ])('is read as the same volume when it is %s', (_, bytes) => {
    const { volume } = decodeNrrd(bytes, limit);
    expect(volume.voxels).toEqual(image.voxels);
    expect(sameGrid(volume.geometry, image.geometry, 1e-9)).toBe(true);
    expect(sameGrid(decodeNifti(encodeNifti(volume)).geometry, image.geometry)).toBe(true);
  });

  it('names its segments as 3D Slicer does', () => {
    const names = [
      'Segment0_Name:=Kidney',
      'Segment0_LabelValue:=1',
      'Segment1_LabelValue:=4',
      'Segment1_Name:=Left tumour',
    ];
    const { segmentNames } = decodeNrrd(file(header('encoding: raw', 'endian: little', ...lps, ...names), raw), limit);
    expect(segmentNames).toEqual({ 1: 'Kidney', 4: 'Left tumour' });
  });

  it('that is cut, altered or hostile gives an error of its own, and never takes more than is allowed', () => {
    const whole = file(header('encoding: gzip', 'endian: little', ...lps), gzipSync(raw));
    const attempt = (bytes: Uint8Array): void => {
      try {
        decodeNrrd(bytes, limit);
      } catch (error) {
        expect(error).toMatchObject({ code: 'archive.nrrd-unreadable' });
      }
    };
    for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const altered = Uint8Array.from(whole);
        altered[at] = byte;
        attempt(altered);
      }),
    );
    const huge = header('encoding: raw', ...lps).replace('8 6 4', '800000 6000 4000');
    expect(() => decodeNrrd(file(huge, raw), limit)).toThrow(
      expect.objectContaining({ code: 'archive.nrrd-unreadable' }),
    );
  });

  it.skipIf(!isThere).each([
    ['liver_seg.nrrd', 'liver.dcm'],
    ['sparse_labelmap_noppv_seg.nrrd', 'sparse-labelmap-noppv.dcm'],
  ])('%s by ITK holds what dcmqi made a DICOM SEG of', async (nrrd, seg) => {
    const { volume } = decodeNrrd(readFileSync(join(segmentations, nrrd)), { bytesMax: 1e8 });
    const { labels, outsidePixels } = await readDicomSegmentation(
      readFileSync(join(segmentations, seg)),
      volume.geometry,
    );
    expect(outsidePixels).toBe(0);
    expect(labels.voxels.some((value) => value > 0)).toBe(true);
    expect(Buffer.compare(toLabelMap(volume).voxels, labels.voxels)).toBe(0);
  });
});
