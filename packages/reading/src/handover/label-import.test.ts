/** Segmentations as 3D Slicer saves them: by default only the part of the grid that something is drawn in. */
import { axisAligned, encodeNrrd, type Triple, voxelCount, worldOf } from '@consilium/imaging';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { protocolSchema } from '../contract/protocol-schema.ts';
import { boxLabel, renalProtocol, toyGeometry } from '../toy-room.fixture.ts';
import { readLabelFile } from './label-import.ts';

const protocol = protocolSchema.parse(renalProtocol);
const label = boxLabel(1).with(0, 2);
const [depth, rows, columns] = toyGeometry.size;

/** The part of the label from a voxel on, which may lie beyond the grid. */
function cropped(first: Triple, size: Triple, move = 0) {
  const [x, y, z] = worldOf(toyGeometry, first);
  const geometry = axisAligned({
    ...{ size, spacingMm: toyGeometry.spacingMm, originMm: [x + move, y, z] },
  });
  const voxels = new Uint8Array(voxelCount(geometry));
  let at = 0;
  for (let k = first[0]; k < first[0] + size[0]; k++) {
    for (let j = first[1]; j < first[1] + size[1]; j++) {
      for (let i = first[2]; i < first[2] + size[2]; i++, at++) {
        const isInside = k >= 0 && j >= 0 && i >= 0 && k < depth && j < rows && i < columns;
        voxels[at] = isInside ? label[(k * rows + j) * columns + i]! : 0;
      }
    }
  }
  return { geometry, voxels };
}

const segments = [
  { name: 'Kidney', colour: undefined },
  { name: 'Tumour', colour: undefined },
];
const read = async (volume: ReturnType<typeof cropped>) =>
  (
    await readLabelFile(encodeNrrd(volume, { segments, packed: false }), {
      ...{ format: 'nrrd', geometry: toyGeometry, protocol },
    })
  )[0]!;

it('cropped anywhere, it lies where it was drawn', async () => {
  const part = (size: number) =>
    fc.tuple(fc.integer({ min: -2, max: size - 1 }), fc.integer({ min: 1, max: size + 3 }));
  await fc.assert(
    fc.asyncProperty(part(depth), part(rows), part(columns), async (z, y, x) => {
      const [first, size] = [z, y, x].reduce<[number[], number[]]>(
        ([starts, sizes], [start, count]) => [
          [...starts, start],
          [...sizes, count],
        ],
        [[], []],
      ) as unknown as [Triple, Triple];
      const isIn = (at: number, axis: number) => at >= first[axis]! && at < first[axis]! + size[axis]!;
      const wanted = label.map((value, voxel) => {
        const [k, j, i] = [Math.floor(voxel / (rows * columns)), Math.floor(voxel / columns) % rows, voxel % columns];
        return isIn(k, 0) && isIn(j, 1) && isIn(i, 2) ? value : 0;
      });
      expect(await read(cropped(first, size))).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
});

it('between the voxels, or beyond them, it is refused', async () => {
  const refused = { code: 'reading.grid-mismatch' };
  await expect(read(cropped([1, 4, 4], [4, 6, 8], 0.5))).rejects.toMatchObject(refused);
  const beyond = cropped([-1, 0, 0], [3, 4, 4]);
  beyond.voxels[0] = 1;
  await expect(read(beyond)).rejects.toMatchObject(refused);
  const { voxels } = cropped([0, 0, 0], [3, 4, 4]);
  const coarser = axisAligned({ size: [3, 4, 4], spacingMm: [3, 1, 2] });
  await expect(read({ geometry: coarser, voxels })).rejects.toMatchObject(refused);
});
