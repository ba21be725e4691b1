import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { worldOf } from '../geometry.ts';
import { recorded, type SimpleItkGrid } from '../recorded-array.ts';
import { exampleImage, exampleStudy } from './example-study.ts';
import { type InstanceSource, inMemory } from './instance-source.ts';
import { loadVolume, readVolumes } from './read-volumes.ts';

interface Recorded {
  series: (SimpleItkGrid & { name: string; files: string[]; lastPosition: number[]; voxels: string })[];
  enhanced: { name: string; stacks: { first: number[]; last: number[]; slices: number; voxels: string }[] }[];
}
const record = recorded<Recorded>('volumes.json');
const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
const skipped = existsSync(`${root}/dicom`) ? false : 'no real data: set CONSILIUM_TEST_DATA to try the real series';
if (skipped) console.info(skipped);

function digest(voxels: ArrayLike<number>): string {
  return createHash('sha256')
    .update(new Uint8Array(Float32Array.from(voxels).buffer))
    .digest('hex')
    .slice(0, 32);
}

function fileSource(path: string): InstanceSource {
  return { byteLength: statSync(path).size, read: () => readFileSync(path) };
}

function expectClose(found: readonly number[], wanted: readonly number[], toleranceMm: number): void {
  for (const [axis, value] of wanted.entries()) expect(Math.abs(found[axis]! - value)).toBeLessThan(toleranceMm);
}

describe.skipIf(skipped)('real series', () => {
  test.each(record.series)('$name lies where SimpleITK says, with its values', async (expected) => {
    const sources = expected.files.toReversed().map((name) => fileSource(join(root, expected.name, name)));
    const { volumes, others } = await readVolumes(sources);
    expect(others).toEqual([]);
    expect(volumes).toHaveLength(1);
    const { image } = await loadVolume(volumes[0]!, sources);
    const { geometry } = image;
    expect(geometry.size).toEqual(expected.size.toReversed());
    expectClose(geometry.originMm, expected.origin, 1e-4);
    expectClose(geometry.spacingMm, expected.spacing.toReversed(), 1e-4);
    expectClose(worldOf(geometry, [geometry.size[0] - 1, 0, 0]), expected.lastPosition, 1e-4);
    // SimpleITK has no word for a gantry tilt, so the slices' direction is compared by the last position alone.
    for (const axis of [0, 1] as const) {
      const direction = [0, 1, 2].map((world) => expected.direction[world * 3 + axis]!);
      expectClose(geometry.axes[2 - axis]!, direction, 1e-6);
    }
    expect(digest(image.voxels)).toBe(expected.voxels);
  });

  test.each(record.enhanced)('$name: every frame in its place, with its own rescale', async ({ name, stacks }) => {
    const sources = [fileSource(join(root, name))];
    const { volumes, others } = await readVolumes(sources);
    expect(others).toEqual([]);
    const found = await Promise.all(volumes.map((volume) => loadVolume(volume, sources)));
    const digests = found.map(({ image }) => digest(image.voxels));
    expect(digests.toSorted()).toEqual(stacks.map(({ voxels }) => voxels).toSorted());
    for (const { first, last, slices, voxels } of stacks) {
      const { geometry } = found[digests.indexOf(voxels)]!.image;
      expect(geometry.size[0]).toBe(slices);
      expectClose(geometry.originMm, first, 1e-4);
      expectClose(worldOf(geometry, [slices - 1, 0, 0]), last, 1e-3);
    }
  });

  test('a gantry-tilted study of two volumes in one place is told apart by image type', async () => {
    const names = readdirSync(join(root, 'ct/ge_gantry_tilt')).filter((name) => name.endsWith('.dcm'));
    const { volumes } = await readVolumes(names.map((name) => fileSource(join(root, 'ct/ge_gantry_tilt', name))));
    expect(volumes.map(({ slices }) => slices.length)).toEqual([14, 14]);
    for (const { findings } of volumes) {
      expect(findings).toContainEqual({ kind: 'series-split', by: 'image-type', parts: 2 });
      expect(findings).toContainEqual({ kind: 'gantry-tilt', degrees: expect.closeTo(18.5, 3) });
    }
  });

  test('nothing of a folder of everything is left out without a reason', async () => {
    const files = ['dicom/pydicom', 'dicom/dcmjs', 'dicom/rt', 'dicom/seg'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .map((name) => join(root, folder, name))
        .filter((path) => statSync(path).isFile()),
    );
    const sources = files.map(fileSource);
    const { volumes, others } = await readVolumes(sources);
    const duplicates = volumes
      .flatMap(({ findings }) => findings)
      .reduce((sum, finding) => {
        return sum + (finding.kind === 'duplicate-left-out' ? finding.count : 0);
      }, 0);
    const placed = [
      ...volumes.flatMap(({ slices }) => slices.map(({ source }) => source)),
      ...others.flatMap((other) => other.sources),
    ];
    expect(placed.length + duplicates).toBeGreaterThanOrEqual(files.length);
    const kinds = new Set(others.map(({ reason }) => reason.kind));
    for (const kind of [
      'unreadable',
      'not-an-image',
      'segmentation',
      'modality-not-read',
      'localizer',
      'secondary-capture',
      'no-geometry',
      'positions-repeat',
      'slices-missing',
    ] as const) {
      expect(kinds).toContain(kind);
    }
  });
});

describe('a series read from files', () => {
  test('reads headers alone, and later each file once', async () => {
    const { ct } = await exampleStudy();
    const asked: { bytes: number; whole: boolean }[] = [];
    const padded = ct.map((bytes) => {
      // Pixels so long that a header is a small part of the file.
      const source: InstanceSource = {
        byteLength: 1 << 20,
        read: (range) => {
          asked.push({ bytes: range ? range.end - range.start : 1 << 20, whole: range === undefined });
          return bytes;
        },
      };
      return source;
    });
    const { volumes } = await readVolumes(padded);
    expect(asked.length).toBe(ct.length);
    expect(asked.every(({ bytes, whole }) => !whole && bytes <= 65_536)).toBe(true);
    asked.length = 0;
    const { image } = await loadVolume(volumes[0]!, padded);
    expect(asked.map(({ whole }) => whole)).toEqual(ct.map(() => true));
    expect(image.voxels).toEqual(exampleImage.voxels);
  });

  test('goes straight into the volume where the source can do that, with the same voxels', async () => {
    const { ct } = await exampleStudy();
    const sources = ct.map(
      (bytes): InstanceSource => ({
        ...inMemory(bytes),
        readInto: (out, start) => {
          out.set(bytes.subarray(start, start + out.length));
          return Math.min(out.length, bytes.length - start);
        },
      }),
    );
    const { volumes } = await readVolumes(sources);
    expect((await loadVolume(volumes[0]!, sources)).image).toEqual(exampleImage);
    const short = sources.with(2, { ...sources[2]!, readInto: () => 5 });
    await expect(loadVolume(volumes[0]!, short)).rejects.toThrow(
      expect.objectContaining({ code: 'imaging.dicom-pixels-truncated' }),
    );
  });

  test('stops when it is told to', async () => {
    const { ct } = await exampleStudy();
    const sources = ct.map(inMemory);
    const { volumes } = await readVolumes(sources);
    await expect(loadVolume(volumes[0]!, sources, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });
});
