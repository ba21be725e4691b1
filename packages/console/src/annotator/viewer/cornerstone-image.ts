/** Images as Cornerstone has them: where they lie, and which slices of them have come. */
import { cache, Enums, init as initCore, metaData, type Types, volumeLoader } from '@cornerstonejs/core';
import { init as initTools } from '@cornerstonejs/tools';
import type { CaseVolume } from '../case/case-volume.ts';
import type { SliceRange } from '../case/label-editor.ts';
import { registerTools } from './drawing-tool.ts';
import type { GridOptions } from './label-layers.ts';
import { type CaseGeometry, pointOf } from './view-plane.ts';

let isReady = false;
const geometries = new Map<string, CaseGeometry>();

/** Cornerstone gives all slices of a volume the place of the first; where each lies is said here. */
function planeOfSlice(type: string, id: unknown): unknown {
  const [, volumeId = '', slice] = (typeof id === 'string' ? /^(.*)_slice_(\d+)$/.exec(id) : undefined) ?? [];
  // Labels lie where the case does.
  const geometry = geometries.get(volumeId) ?? geometries.get(caseImageId);
  if (type !== Enums.MetadataModules.IMAGE_PLANE || slice === undefined || geometry === undefined) return undefined;
  const { axes, size, spacingMm } = geometry;
  return {
    ...{ frameOfReferenceUID: 'case', rows: size[1], columns: size[2], rowCosines: axes[2], columnCosines: axes[1] },
    ...{
      imageOrientationPatient: [...axes[2], ...axes[1]],
      imagePositionPatient: pointOf(geometry, [Number(slice), 0, 0]),
    },
    ...{ pixelSpacing: [spacingMm[1], spacingMm[2]], rowPixelSpacing: spacingMm[1], columnPixelSpacing: spacingMm[2] },
  };
}

/** Without a colon: with one, Cornerstone would look for a loader of its slices. */
export const caseImageId = 'case-image';

/** Makes Cornerstone ready, once a page. */
export function readyCornerstone(): void {
  if (isReady) return;
  isReady = true;
  // One WebGL context: a volume of hundreds of megabytes is there once, not once a plane.
  initCore({ rendering: { renderingEngineMode: Enums.RenderingEngineModeEnum.Tiled } } as Parameters<
    typeof initCore
  >[0]);
  initTools();
  registerTools();
  metaData.addProvider(planeOfSlice, 1);
}

/** Shares the voxels. */
export function addImage(id: string, { geometry, voxels }: Pick<CaseVolume, 'geometry' | 'voxels'>): void {
  geometries.set(id, geometry);
  volumeLoader.createLocalVolume(id, { ...gridOf(geometry), scalarData: voxels });
}

export function removeImage(id: string): void {
  const slices = geometries.get(id)?.size[0] ?? 0;
  geometries.delete(id);
  if (cache.getVolume(id) !== undefined) cache.removeVolumeLoadObject(id);
  for (let slice = 0; slice < slices; slice++) {
    const sliceId = `${id}_slice_${slice}`;
    if (cache.getImageLoadObject(sliceId) !== undefined) cache.removeImageLoadObject(sliceId, { force: true });
  }
}

/** Slices have come. */
export function imageChanged(id: string, { from, to }: SliceRange): void {
  const volume = cache.getVolume(id)!;
  for (let slice = from; slice <= to; slice++) volume.vtkOpenGLTexture.setUpdatedFrame(slice);
  volume.imageData!.modified();
}

export function gridOf({ axes, originMm, size, spacingMm }: CaseGeometry): GridOptions {
  const metadata = {
    ...{ BitsAllocated: 16, BitsStored: 16, SamplesPerPixel: 1, HighBit: 15, PixelRepresentation: 1 },
    ...{
      PhotometricInterpretation: 'MONOCHROME2',
      Modality: 'CT',
      FrameOfReferenceUID: 'case',
      VOILUTFunction: 'LINEAR',
    },
    ...{ ImageOrientationPatient: [...axes[2], ...axes[1]], PixelSpacing: [spacingMm[1], spacingMm[2]] },
    ...{ Columns: size[2], Rows: size[1], voiLut: [] },
  };
  return {
    metadata,
    dimensions: [size[2], size[1], size[0]],
    spacing: [spacingMm[2], spacingMm[1], spacingMm[0]],
    origin: [...originMm],
    direction: [...axes[2], ...axes[1], ...axes[0]] as Types.Mat3,
  };
}
