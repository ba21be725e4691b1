/**
 * A case in three planes, by Cornerstone3D: its image as it comes, labels over it, the tools of reading and drawing. The
 * voxels belong to the caller; what tools do to a label is told of when they are done, and is the caller's to keep or not.
 */
import { cache, Enums, eventTarget, getRenderingEngine, RenderingEngine, type Types } from '@cornerstonejs/core';
import {
  annotation,
  LengthTool,
  segmentation,
  Enums as ToolEnums,
  type Types as ToolTypes,
  utilities,
} from '@cornerstonejs/tools';
import type { CaseVolume } from '../case/case-volume.ts';
import type { SliceRange } from '../case/label-editor.ts';
import { addImage, caseImageId, gridOf, imageChanged, readyCornerstone } from './cornerstone-image.ts';
import { type DrawingTool, type ToolId, toolOf } from './drawing-tool.ts';
import type { GreyWindow } from './grey-window.ts';
import { type Gesture, HandGestures } from './hand-gesture.ts';
import { LabelLayers } from './label-layers.ts';
import { fitPlane, type PlaneView, resetPlane, viewOf, viewportInput } from './plane-viewport.ts';
import { caseTools, chooseTool, dropTools, surfaceTools } from './tool-groups.ts';
import { type Plane, planes, pointOf, type Vector, voxelOf } from './view-plane.ts';

export const engineId = 'case';
const groupId = 'case';
const surfaceId = 'surfaces';

interface CaseViewerEvents {
  /** A tool has changed a layer, and is done. */
  readonly onDrawn: (layerId: string, slices: SliceRange) => void;
  /** Another slice, place or size of a plane. */
  readonly onView: (plane: Plane) => void;
  readonly onWindow: (window: GreyWindow) => void;
  /** Something was pointed out with a tool for it: places as continuous indices `[z, y, x]`. */
  readonly onPointed: (path: readonly Vector[], gesture: Gesture) => void;
  /** The reader did something that shows work: scrolled, clicked. */
  readonly onWork: (tool: string) => void;
}

interface CaseViewerOptions {
  readonly elements: Readonly<Record<Plane, HTMLDivElement>>;
  readonly volume: CaseVolume;
  readonly events: CaseViewerEvents;
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
  readonly #gestures: HandGestures;
  #tool: DrawingTool = toolOf('window');
  /** What is done when there is another size of the pictures: at first, afterwards, when they are laid out anew. */
  #onSize: 'reset' | 'keep' | 'fit' = 'reset';
  /** What changes otherwise is the caller's own doing. */
  #isAtWork = false;

  private constructor(options: CaseViewerOptions) {
    this.#options = options;
    this.#engine = new RenderingEngine(engineId);
    addImage(caseImageId, options.volume);
    this.#engine.setViewports(planes.map((plane) => viewportInput(plane, plane, options.elements[plane])));
    this.#group = caseTools(groupId);
    this.#gestures = new HandGestures((gesture) => {
      const path = gesture.path.map((place) => this.placeAt(gesture.plane, place));
      options.events.onPointed(path, gesture);
    }, this.#stop.signal);
    this.labels = new LabelLayers(planes, gridOf(options.volume.geometry), caseImageId);
    this.#resizing = new ResizeObserver(() => {
      this.#engine.resize(true, true);
      if (this.#onSize === 'reset') this.reset();
      if (this.#onSize === 'fit') this.fit();
      this.#onSize = 'keep';
    });
  }

  static async create(options: CaseViewerOptions): Promise<CaseViewer> {
    readyCornerstone();
    getRenderingEngine(engineId)?.destroy();
    const viewer = new CaseViewer(options);
    await Promise.all(planes.map((plane) => viewer.#viewport(plane).setVolumes([{ volumeId: caseImageId }])));
    viewer.#listen();
    return viewer;
  }

  render(): void {
    this.#engine.renderViewports([...planes]);
  }

  /** Slices of the image have come. */
  imageChanged(slices: SliceRange): void {
    imageChanged(caseImageId, slices);
    this.render();
  }

  setTool(id: ToolId): void {
    const tool = toolOf(id);
    chooseTool(this.#group, tool, this.#tool);
    this.#gestures.kind = tool.gesture;
    this.#tool = tool;
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
    surfaceTools(surfaceId).addViewport(surfaceId, engineId);
    viewport.render();
  }

  hideSurfaces(): void {
    dropTools(surfaceId);
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
    for (const plane of planes) resetPlane(this.#viewport(plane), plane, this.#options.volume.geometry);
    this.render();
  }

  /** As large as there is room, on the slices that are shown. */
  fit(): void {
    for (const plane of planes) fitPlane(this.#viewport(plane), this.#options.volume.geometry);
    this.render();
  }

  /** The pictures are about to be laid out anew. */
  fitSoon(): void {
    this.#onSize = 'fit';
  }

  viewOf(plane: Plane): PlaneView {
    return viewOf(this.#viewport(plane));
  }

  /** Continuous indices `[z, y, x]` under a place of a plane's element, px. */
  placeAt(plane: Plane, [x, y]: readonly [number, number]): Vector {
    const point = this.#viewport(plane).canvasToWorld([x, y]);
    return voxelOf(this.#options.volume.geometry, point as unknown as Vector);
  }

  /** Where a voxel `[z, y, x]` lies on a plane's element, px, and how far from the plane it shows, mm. */
  whereIs(plane: Plane, voxel: Vector): { readonly place: readonly [number, number]; readonly depthMm: number } {
    const viewport = this.#viewport(plane);
    const point = pointOf(this.#options.volume.geometry, voxel);
    const { focalPoint, viewPlaneNormal } = viewport.getCamera();
    const depthMm = point.reduce((sum, at, axis) => sum + (at - focalPoint![axis]!) * viewPlaneNormal![axis]!, 0);
    const [x, y] = viewport.worldToCanvas(point);
    return { place: [x, y], depthMm: Math.abs(depthMm) };
  }

  /** What is in the middle of a plane: LPS, mm. */
  focusOf(plane: Plane): Vector {
    return this.#viewport(plane).getCamera().focalPoint as unknown as Vector;
  }

  /** The same as continuous indices `[z, y, x]`. */
  focusVoxelOf(plane: Plane): Vector {
    return voxelOf(this.#options.volume.geometry, this.focusOf(plane));
  }

  /** The axis of the voxels, of `[z, y, x]`, along which a plane is scrolled. */
  axisOf(plane: Plane): 0 | 1 | 2 {
    const { viewPlaneNormal } = this.#viewport(plane).getCamera();
    const along = this.#options.volume.geometry.axes.map((axis) =>
      Math.abs(axis.reduce((sum, at, side) => sum + at * viewPlaneNormal![side]!, 0)),
    );
    return along.indexOf(Math.max(...along)) as 0 | 1 | 2;
  }

  /** Shows a point, LPS in mm, on one plane. */
  jumpToPoint(plane: Plane, point: Vector): void {
    this.#viewport(plane).jumpToWorld([...point]);
    this.render();
  }

  removeLengths(): void {
    for (const { annotationUID, metadata } of annotation.state.getAllAnnotations()) {
      if (metadata?.toolName === LengthTool.toolName) annotation.state.removeAnnotation(annotationUID!);
    }
    this.#drawMarks();
  }

  destroy(): void {
    this.#stop.abort();
    this.#resizing.disconnect();
    segmentation.removeAllSegmentations();
    // Cornerstone would show them on the next case, at the same place.
    annotation.state.removeAllAnnotations();
    dropTools(groupId);
    this.#engine.destroy();
    cache.purgeCache();
  }

  #viewport(plane: Plane): Types.IVolumeViewport {
    return this.#engine.getViewport(plane) as Types.IVolumeViewport;
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
      this.#gestures.attach(plane, element);
      element.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
    }
    const { ANNOTATION_MODIFIED, SEGMENTATION_DATA_MODIFIED } = ToolEnums.Events;
    const heard = (name: string, listener: (detail: never) => void) => {
      const hear = (event: Event) => listener((event as CustomEvent).detail as never);
      eventTarget.addEventListener(name, hear);
      signal.addEventListener('abort', () => eventTarget.removeEventListener(name, hear));
    };
    heard(SEGMENTATION_DATA_MODIFIED, (detail) => this.#touch(detail));
    // The number beside a line comes up to 100 ms after it, and Cornerstone shows that of the line before until it draws again.
    heard(ANNOTATION_MODIFIED, ({ changeType }: { changeType?: string }) => {
      if (changeType === ToolEnums.ChangeTypes.StatsUpdated) this.#drawMarks();
    });
  }

  /** Lines and numbers over the pictures. */
  #drawMarks(): void {
    utilities.triggerAnnotationRenderForViewportIds([...planes]);
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

  #begin(): void {
    if (this.#gestures.isOn) return;
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
