/**
 * A case in three planes, by Cornerstone3D: its image as it comes, labels over it, the tools of reading and drawing. The
 * voxels belong to the caller; what tools do to a label is told of when they are done, and is the caller's to keep or not.
 */
import {
  cache,
  Enums,
  eventTarget,
  getRenderingEngine,
  init as initCore,
  metaData,
  RenderingEngine,
  type Types,
  volumeLoader,
} from '@cornerstonejs/core';
import {
  init as initTools,
  PanTool,
  StackScrollTool,
  segmentation,
  Enums as ToolEnums,
  ToolGroupManager,
  type Types as ToolTypes,
  TrackballRotateTool,
  utilities,
  ZoomTool,
} from '@cornerstonejs/tools';
import type { CaseVolume } from '../case/case-volume.ts';
import type { SliceRange } from '../case/label-editor.ts';
import { type DrawingTool, drawingTools, registerTools, type ToolId, toolOf } from './drawing-tool.ts';
import type { GreyWindow } from './grey-window.ts';
import { type GridOptions, LabelLayers } from './label-layers.ts';
import {
  type CaseGeometry,
  edgesOf,
  extentMm,
  type Plane,
  planes,
  pointOf,
  type Vector,
  voxelOf,
} from './view-plane.ts';

const engineId = 'case';
const groupId = 'case';
const surfaceId = 'surfaces';
/** Without a colon: with one, Cornerstone would look for a loader of its slices. */
const imageId = 'case-image';
const { MouseBindings, KeyboardBindings } = ToolEnums;

/** What can be said of a plane's picture. */
export interface PlaneView {
  /** From 1. */
  readonly slice: number;
  readonly slices: number;
  readonly edges: ReturnType<typeof edgesOf>;
}

interface CaseViewerEvents {
  /** A tool has changed a layer, and is done. */
  readonly onDrawn: (layerId: string, slices: SliceRange) => void;
  /** Another slice, place or size of a plane. */
  readonly onView: (plane: Plane) => void;
  readonly onWindow: (window: GreyWindow) => void;
  /** A click with the tool for it, on a voxel `[z, y, x]`. */
  readonly onClick: (voxel: readonly [number, number, number], isForeground: boolean) => void;
  /** The reader did something that shows work: scrolled, clicked. */
  readonly onWork: (tool: string) => void;
}

interface CaseViewerOptions {
  readonly elements: Readonly<Record<Plane, HTMLDivElement>>;
  readonly volume: CaseVolume;
  readonly events: CaseViewerEvents;
}

let isReady = false;
let shown: CaseGeometry | undefined;

/** Cornerstone gives all slices of a volume the place of the first; where each lies is said here. */
function planeOfSlice(type: string, id: unknown): unknown {
  const slice = typeof id === 'string' ? /_slice_(\d+)$/.exec(id)?.[1] : undefined;
  if (type !== Enums.MetadataModules.IMAGE_PLANE || slice === undefined || shown === undefined) return undefined;
  const { axes, size, spacingMm } = shown;
  return {
    ...{ frameOfReferenceUID: 'case', rows: size[1], columns: size[2], rowCosines: axes[2], columnCosines: axes[1] },
    ...{
      imageOrientationPatient: [...axes[2], ...axes[1]],
      imagePositionPatient: pointOf(shown, [Number(slice), 0, 0]),
    },
    ...{ pixelSpacing: [spacingMm[1], spacingMm[2]], rowPixelSpacing: spacingMm[1], columnPixelSpacing: spacingMm[2] },
  };
}

function ready(): void {
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

export class CaseViewer {
  readonly labels: LabelLayers;
  readonly #options: CaseViewerOptions;
  readonly #engine: RenderingEngine;
  readonly #group: ToolTypes.IToolGroup;
  readonly #stop = new AbortController();
  /** Slices by layer that the tool at work has changed. */
  readonly #touched = new Map<string, SliceRange>();
  readonly #resizing: ResizeObserver;
  #tool: DrawingTool = toolOf('window');
  #isFitted = false;
  /** What changes otherwise is the caller's own doing. */
  #isAtWork = false;

  private constructor(options: CaseViewerOptions) {
    this.#options = options;
    this.#engine = new RenderingEngine(engineId);
    const grid = gridOf(options.volume.geometry);
    volumeLoader.createLocalVolume(imageId, { ...grid, scalarData: options.volume.voxels });
    this.#engine.setViewports(
      planes.map((plane) => ({
        viewportId: plane,
        type: Enums.ViewportType.ORTHOGRAPHIC,
        element: options.elements[plane],
        defaultOptions: { orientation: orientationOf[plane], background: [0, 0, 0] as Types.Point3 },
      })),
    );
    this.#group = toolGroup();
    this.labels = new LabelLayers(planes, grid, imageId);
    this.#resizing = new ResizeObserver(() => {
      this.#engine.resize(true, true);
      if (this.#isFitted) return;
      this.#isFitted = true;
      this.reset();
    });
  }

  static async create(options: CaseViewerOptions): Promise<CaseViewer> {
    ready();
    getRenderingEngine(engineId)?.destroy();
    shown = options.volume.geometry;
    const viewer = new CaseViewer(options);
    await Promise.all(planes.map((plane) => viewer.#viewport(plane).setVolumes([{ volumeId: imageId }])));
    viewer.#listen();
    return viewer;
  }

  render(): void {
    this.#engine.renderViewports([...planes]);
  }

  /** Slices of the image have come. */
  imageChanged({ from, to }: SliceRange): void {
    const volume = cache.getVolume(imageId)!;
    for (let slice = from; slice <= to; slice++) volume.vtkOpenGLTexture.setUpdatedFrame(slice);
    volume.imageData!.modified();
    this.render();
  }

  setTool(id: ToolId): void {
    const before = cornerstoneName(this.#tool);
    if (before !== undefined) {
      this.#group.setToolPassive(before, { removeAllBindings: [{ mouseButton: MouseBindings.Primary }] });
    }
    if (before !== undefined && this.#tool.id === 'crosshair') this.#group.setToolDisabled(before);
    this.#tool = toolOf(id);
    const name = cornerstoneName(this.#tool);
    const bindings = [{ mouseButton: MouseBindings.Primary }, ...otherBindings(id)];
    if (name !== undefined) this.#group.setToolActive(name, { bindings });
    this.render();
  }

  /** @param radiusMm of the brushes. */
  setBrush(radiusMm: number): void {
    utilities.segmentation.setBrushSizeForToolGroup(groupId, radiusMm);
  }

  /** Values that the threshold brush draws. */
  setRange(range: readonly [number, number]): void {
    utilities.segmentation.setBrushThresholdForToolGroup(groupId, {
      range: [range[0], range[1]],
      isDynamic: false,
      dynamicRadius: 0,
    });
  }

  setWindow({ centre, width }: GreyWindow): void {
    const voiRange = { lower: centre - width / 2, upper: centre + width / 2 };
    for (const plane of planes) this.#viewport(plane).setProperties({ voiRange });
    this.render();
  }

  /** Bodies that can be turned with the mouse. */
  showSurfaces(element: HTMLDivElement, surfaces: readonly Types.ActorEntry[]): void {
    const { CORONAL } = Enums.OrientationAxis;
    this.#engine.enableElement({
      viewportId: surfaceId,
      type: Enums.ViewportType.VOLUME_3D,
      element,
      defaultOptions: { orientation: CORONAL, background: [0, 0, 0] as Types.Point3 },
    });
    const viewport = this.#engine.getViewport(surfaceId) as Types.IVolumeViewport;
    viewport.addActors([...surfaces]);
    viewport.resetCamera();
    surfaceGroup().addViewport(surfaceId, engineId);
    viewport.render();
  }

  hideSurfaces(): void {
    ToolGroupManager.destroyToolGroup(surfaceId);
    this.#engine.disableElement(surfaceId);
  }

  scroll(plane: Plane, slices: number): void {
    this.#viewport(plane).scroll(slices);
  }

  /** Shows a voxel `[z, y, x]` in all planes. */
  jumpTo(voxel: Vector): void {
    const point = pointOf(this.#options.volume.geometry, voxel);
    for (const plane of planes) this.#viewport(plane).jumpToWorld(point);
    this.render();
  }

  reset(): void {
    for (const plane of planes) {
      const viewport = this.#viewport(plane);
      viewport.setOrientation(orientationOf[plane]);
      viewport.resetCamera({ resetPan: true, resetZoom: true, resetToCenter: true });
      this.#fit(plane);
    }
    this.render();
  }

  viewOf(plane: Plane): PlaneView {
    const viewport = this.#viewport(plane);
    const { viewPlaneNormal, viewUp } = viewport.getCamera();
    return {
      slice: viewport.getSliceIndex() + 1,
      slices: viewport.getNumberOfSlices(),
      edges: edgesOf({ up: viewUp as Vector, normal: viewPlaneNormal as Vector }),
    };
  }

  /** The voxel `[z, y, x]` under a place of a plane's element, px. */
  voxelAt(plane: Plane, [x, y]: readonly [number, number]): readonly [number, number, number] {
    const point = this.#viewport(plane).canvasToWorld([x, y]);
    const voxel = voxelOf(this.#options.volume.geometry, point as unknown as Vector);
    return voxel.map(Math.round) as [number, number, number];
  }

  /** The voxel in the middle of a plane. */
  centreOf(plane: Plane): readonly [number, number, number] {
    const { focalPoint } = this.#viewport(plane).getCamera();
    return voxelOf(this.#options.volume.geometry, focalPoint as unknown as Vector).map(Math.round) as [
      number,
      number,
      number,
    ];
  }

  destroy(): void {
    this.#stop.abort();
    this.#resizing.disconnect();
    segmentation.removeAllSegmentations();
    ToolGroupManager.destroyToolGroup(groupId);
    this.#engine.destroy();
    cache.purgeCache();
  }

  #viewport(plane: Plane): Types.IVolumeViewport {
    return this.#engine.getViewport(plane) as Types.IVolumeViewport;
  }

  /** The whole image, as large as there is room: Cornerstone leaves room for its diagonal. */
  #fit(plane: Plane): void {
    const { geometry } = this.#options.volume;
    const viewport = this.#viewport(plane);
    const { clientHeight, clientWidth } = this.#options.elements[plane];
    if (clientHeight === 0 || clientWidth === 0) return;
    const { viewPlaneNormal, viewUp } = viewport.getCamera();
    const [heightMm, widthMm] = extentMm(geometry, { up: viewUp as Vector, normal: viewPlaneNormal as Vector });
    viewport.setCamera({ parallelScale: Math.max(heightMm, (widthMm * clientHeight) / clientWidth) / 2 });
  }

  #listen(): void {
    const { elements, events } = this.#options;
    const { signal } = this.#stop;
    for (const plane of planes) {
      const element = elements[plane];
      const listen = (name: string, listener: (event: CustomEvent) => void) =>
        element.addEventListener(name, listener as EventListener, { signal });
      this.#group.addViewport(plane, engineId);
      this.#resizing.observe(element);
      for (const name of [Enums.Events.CAMERA_MODIFIED, Enums.Events.VOLUME_NEW_IMAGE])
        listen(name, () => events.onView(plane));
      listen(Enums.Events.VOI_MODIFIED, ({ detail: { range } }) =>
        events.onWindow({ centre: (range.lower + range.upper) / 2, width: range.upper - range.lower }),
      );
      listen(ToolEnums.Events.MOUSE_WHEEL, () => events.onWork('scroll'));
      // After Cornerstone's own listeners, which come later and do the drawing.
      for (const name of [ToolEnums.Events.MOUSE_UP, ToolEnums.Events.MOUSE_CLICK, ToolEnums.Events.TOUCH_END]) {
        listen(name, () => queueMicrotask(() => this.#tellDrawn()));
      }
      element.addEventListener('pointerdown', () => this.#begin(), { signal, capture: true });
      element.addEventListener('click', (event) => this.#click(plane, event), { signal });
      element.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
    }
    const touched = (event: Event) => this.#touch((event as CustomEvent).detail);
    eventTarget.addEventListener(ToolEnums.Events.SEGMENTATION_DATA_MODIFIED, touched);
    signal.addEventListener('abort', () =>
      eventTarget.removeEventListener(ToolEnums.Events.SEGMENTATION_DATA_MODIFIED, touched),
    );
  }

  #touch({
    modifiedSlicesToUse,
    segmentationId,
  }: {
    segmentationId: string;
    modifiedSlicesToUse?: readonly number[];
  }): void {
    if (!this.#isAtWork) return;
    const last = this.#options.volume.geometry.size[0] - 1;
    const slices = modifiedSlicesToUse?.length ? modifiedSlicesToUse : [0, last];
    const before = this.#touched.get(segmentationId);
    this.#touched.set(segmentationId, {
      from: Math.min(before?.from ?? last, ...slices),
      to: Math.max(before?.to ?? 0, ...slices),
    });
  }

  #click(plane: Plane, { offsetX, offsetY, shiftKey }: MouseEvent): void {
    if (this.#tool.id !== 'click') return;
    const voxel = this.voxelAt(plane, [offsetX, offsetY]);
    const isInside = voxel.every((at, axis) => at >= 0 && at < this.#options.volume.geometry.size[axis]!);
    if (isInside) this.#options.events.onClick(voxel, !shiftKey);
  }

  #begin(): void {
    this.#isAtWork = true;
    this.#touched.clear();
  }

  #tellDrawn(): void {
    if (!this.#isAtWork) return;
    this.#isAtWork = false;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const [layerId, slices] of touched) this.#options.events.onDrawn(layerId, slices);
    if (touched.length === 0) this.#options.events.onWork(this.#tool.id);
  }
}

const orientationOf = {
  axial: Enums.OrientationAxis.AXIAL,
  coronal: Enums.OrientationAxis.CORONAL,
  sagittal: Enums.OrientationAxis.SAGITTAL,
} as const satisfies Record<Plane, unknown>;

/** The tools by the names under which the group has them: a brush is there once for each of its strategies. */
function cornerstoneName({ cornerstone, id }: DrawingTool): string | undefined {
  return cornerstone?.strategy === undefined ? cornerstone?.tool : id;
}

/** What a tool does besides, whichever the left button has. */
function otherBindings(id: ToolId): ToolTypes.IToolBinding[] {
  switch (id) {
    case 'window':
      return [{ mouseButton: MouseBindings.Primary, modifierKey: KeyboardBindings.Shift }];
    case 'pan':
      return [{ mouseButton: MouseBindings.Auxiliary }];
    case 'zoom':
      return [{ mouseButton: MouseBindings.Secondary }];
    default:
      return [];
  }
}

function surfaceGroup(): ToolTypes.IToolGroup {
  ToolGroupManager.destroyToolGroup(surfaceId);
  const group = ToolGroupManager.createToolGroup(surfaceId)!;
  for (const [name, mouseButton] of [
    [TrackballRotateTool.toolName, MouseBindings.Primary],
    [PanTool.toolName, MouseBindings.Auxiliary],
    [ZoomTool.toolName, MouseBindings.Secondary],
  ] as const) {
    group.addTool(name);
    group.setToolActive(name, { bindings: [{ mouseButton }] });
  }
  return group;
}

function toolGroup(): ToolTypes.IToolGroup {
  ToolGroupManager.destroyToolGroup(groupId);
  const group = ToolGroupManager.createToolGroup(groupId)!;
  for (const { cornerstone, id } of drawingTools) {
    if (cornerstone === undefined) continue;
    const { strategy, tool: name } = cornerstone;
    if (strategy === undefined) group.addTool(name);
    else group.addToolInstance(id, name, { activeStrategy: strategy, defaultStrategy: strategy });
  }
  group.addTool(StackScrollTool.toolName);
  group.setToolActive(StackScrollTool.toolName, { bindings: [{ mouseButton: MouseBindings.Wheel }] });
  for (const id of ['window', 'pan', 'zoom'] as const) {
    group.setToolActive(cornerstoneName(toolOf(id))!, { bindings: otherBindings(id) });
  }
  return group;
}

function gridOf({ axes, originMm, size, spacingMm }: CaseGeometry): GridOptions {
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
