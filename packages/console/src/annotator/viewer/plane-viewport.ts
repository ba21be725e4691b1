/** One plane's picture: how it is turned, how large it is, what can be said around it. */
import { Enums, type Types } from '@cornerstonejs/core';
import { type CaseGeometry, edgesOf, extentMm, type Plane, type Vector } from './view-plane.ts';

const orientationOf = {
  axial: Enums.OrientationAxis.AXIAL,
  coronal: Enums.OrientationAxis.CORONAL,
  sagittal: Enums.OrientationAxis.SAGITTAL,
} as const satisfies Record<Plane, unknown>;

/** What can be said of a plane's picture. */
export interface PlaneView {
  /** From 1. */
  readonly slice: number;
  readonly slices: number;
  readonly edges: ReturnType<typeof edgesOf>;
}

/** How Cornerstone is told of a plane's picture. */
export function viewportInput(viewportId: string, plane: Plane, element: HTMLDivElement): Types.PublicViewportInput {
  return {
    viewportId,
    element,
    type: Enums.ViewportType.ORTHOGRAPHIC,
    defaultOptions: { orientation: orientationOf[plane], background: [0, 0, 0] as Types.Point3 },
  };
}

export function viewOf(viewport: Types.IVolumeViewport): PlaneView {
  const { viewPlaneNormal, viewUp } = viewport.getCamera();
  return {
    slice: viewport.getSliceIndex() + 1,
    slices: viewport.getNumberOfSlices(),
    edges: edgesOf({ up: viewUp as Vector, normal: viewPlaneNormal as Vector }),
  };
}

/** As it was at first: the plane's own direction, its middle, and the whole image. */
export function resetPlane(viewport: Types.IVolumeViewport, plane: Plane, geometry: CaseGeometry): void {
  viewport.setOrientation(orientationOf[plane]);
  viewport.resetCamera({ resetPan: true, resetZoom: true, resetToCenter: true });
  fitPlane(viewport, geometry);
}

/** The whole image, as large as there is room: Cornerstone leaves room for its diagonal. */
export function fitPlane(viewport: Types.IVolumeViewport, geometry: CaseGeometry): void {
  const { clientHeight, clientWidth } = viewport.element;
  if (clientHeight === 0 || clientWidth === 0) return;
  const { viewPlaneNormal, viewUp } = viewport.getCamera();
  const [heightMm, widthMm] = extentMm(geometry, { up: viewUp as Vector, normal: viewPlaneNormal as Vector });
  viewport.setCamera({ parallelScale: Math.max(heightMm, (widthMm * clientHeight) / clientWidth) / 2 });
}
