export type { Geometry, Image, LabelMap, Triple, Volume, VoxelArray } from './volume.ts';
