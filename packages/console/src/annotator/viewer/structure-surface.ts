/** The surface of a structure: marching cubes over its box, a little smoothed, and coarser where the box is large. */
import vtkDataArray from '@kitware/vtk.js/Common/Core/DataArray.js';
import vtkImageData from '@kitware/vtk.js/Common/DataModel/ImageData.js';
import vtkImageMarchingCubes from '@kitware/vtk.js/Filters/General/ImageMarchingCubes.js';
import vtkActor from '@kitware/vtk.js/Rendering/Core/Actor.js';
import vtkMapper from '@kitware/vtk.js/Rendering/Core/Mapper.js';
import { type CaseGeometry, pointOf } from './view-plane.ts';

/** Voxels of a box beyond which every second, third … along each axis is taken. */
const voxelsMax = 2 ** 20;

/** What vtk.js’s own types lose between their files. */
interface WithPointData {
  getPointData(): { setScalars(values: object): void };
}
interface Placed {
  setUserMatrix(columns: Float64Array): void;
}

type Triple = [number, number, number];

/** @returns undefined if the structure is nowhere. */
export function surfaceOf(
  voxels: Uint8Array,
  { colour, geometry, structure }: { structure: number; colour: string; geometry: CaseGeometry },
): vtkActor | undefined {
  const grid = sampled(voxels, structure, geometry);
  if (grid === undefined) return undefined;
  const { counts, start, step, values } = grid;
  const image = vtkImageData.newInstance();
  image.setDimensions(counts[2], counts[1], counts[0]);
  const inside = vtkDataArray.newInstance({ name: 'inside', values, numberOfComponents: 1 });
  (image as unknown as WithPointData).getPointData().setScalars(inside);
  const cubes = vtkImageMarchingCubes.newInstance({ contourValue: 0.5, computeNormals: true, mergePoints: true });
  cubes.setInputData(image);
  const mapper = vtkMapper.newInstance();
  mapper.setScalarVisibility(false);
  mapper.setInputData(cubes.getOutputData());
  const actor = vtkActor.newInstance();
  actor.setMapper(mapper);
  // The cubes know nothing of directions: they are made in steps of the box, and placed in the patient here.
  const { axes, spacingMm } = geometry;
  const column = (axis: 0 | 1 | 2) => [...axes[axis].map((part) => part * spacingMm[axis] * step), 0];
  (actor as unknown as Placed).setUserMatrix(
    new Float64Array([...column(2), ...column(1), ...column(0), ...pointOf(geometry, start), 1]),
  );
  const value = Number.parseInt(colour.slice(1), 16);
  actor.getProperty().setColor((value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255);
  return actor;
}

interface Sampled {
  /** Voxel `[z, y, x]` of the first value. */
  readonly start: Triple;
  readonly step: number;
  readonly counts: Triple;
  readonly values: Float32Array;
}

function sampled(voxels: Uint8Array, structure: number, { size }: CaseGeometry): Sampled | undefined {
  const [first, last] = boundsOf(voxels, structure, size);
  if (last[0] < 0) return undefined;
  const extents = first.map((low, axis) => last[axis]! - low + 3);
  const step = Math.max(1, Math.ceil(Math.cbrt(extents.reduce((product, extent) => product * extent, 1) / voxelsMax)));
  const counts = extents.map((extent) => Math.ceil(extent / step) + 1) as Triple;
  const start = first.map((low) => low - step) as Triple;
  const values = new Float32Array(counts[0] * counts[1] * counts[2]);
  let at = 0;
  for (let k = 0; k < counts[0]; k++) {
    for (let j = 0; j < counts[1]; j++) {
      for (let i = 0; i < counts[2]; i++, at++) {
        const [z, y, x] = [start[0] + k * step, start[1] + j * step, start[2] + i * step];
        const isThere = z >= 0 && y >= 0 && x >= 0 && z < size[0] && y < size[1] && x < size[2];
        if (isThere && voxels[(z * size[1] + y) * size[2] + x] === structure) values[at] = 1;
      }
    }
  }
  return { start, step, counts, values: softened(values, counts) };
}

function boundsOf(
  voxels: Uint8Array,
  structure: number,
  size: readonly [number, number, number],
): readonly [Triple, Triple] {
  const first: Triple = [...size];
  const last: Triple = [-1, -1, -1];
  let at = 0;
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, at++) {
        if (voxels[at] !== structure) continue;
        const place = [z, y, x];
        for (const axis of [0, 1, 2] as const) {
          first[axis] = Math.min(first[axis], place[axis]!);
          last[axis] = Math.max(last[axis], place[axis]!);
        }
      }
    }
  }
  return [first, last];
}

/** A quarter, a half, a quarter along each axis: without it a surface of yes and no is all steps. */
function softened(values: Float32Array, [, rows, columns]: Triple): Float32Array {
  let before = values;
  for (const stride of [1, columns, rows * columns]) {
    const after = new Float32Array(before.length);
    for (let at = 0; at < before.length; at++) {
      after[at] = before[at]! / 2 + ((before[at - stride] ?? 0) + (before[at + stride] ?? 0)) / 4;
    }
    before = after;
  }
  return before;
}
