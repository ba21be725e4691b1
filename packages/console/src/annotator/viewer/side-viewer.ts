/** Another series in three planes beside the case: to be looked at, scrolled, windowed; nothing is drawn on it. */
import { Enums, getRenderingEngine, type Types } from '@cornerstonejs/core';
import type { CaseVolume } from '../case/case-volume.ts';
import type { SliceRange } from '../case/label-editor.ts';
import { engineId } from './case-viewer.ts';
import { addImage, imageChanged, removeImage } from './cornerstone-image.ts';
import type { GreyWindow } from './grey-window.ts';
import { type PlaneView, resetPlane, viewOf, viewportInput } from './plane-viewport.ts';
import { dropTools, lookingTools } from './tool-groups.ts';
import { type Plane, planes, type Vector } from './view-plane.ts';

/** Each image has a name of its own: Cornerstone keeps what it knows of a name. */
let images = 0;
const groupId = 'beside';

export interface SideViewerOptions {
  readonly elements: Readonly<Record<Plane, HTMLDivElement>>;
  readonly volume: CaseVolume;
  /** Another slice, place or size of a plane. */
  readonly onView: (plane: Plane) => void;
  readonly onWindow: (window: GreyWindow) => void;
  /** The pictures have a size, for the first time. */
  readonly onSized: () => void;
}

export class SideViewer {
  readonly #options: SideViewerOptions;
  readonly #stop = new AbortController();
  readonly #resizing: ResizeObserver;
  readonly #imageId = `beside-image-${++images}`;

  private constructor(options: SideViewerOptions) {
    this.#options = options;
    let isFitted = false;
    this.#resizing = new ResizeObserver(() => {
      getRenderingEngine(engineId)?.resize(true, true);
      if (!isFitted) options.onSized();
      isFitted = true;
    });
  }

  /** While the case is shown. */
  static async create(options: SideViewerOptions): Promise<SideViewer> {
    const engine = getRenderingEngine(engineId)!;
    const viewer = new SideViewer(options);
    addImage(viewer.#imageId, options.volume);
    for (const plane of planes) engine.enableElement(viewportInput(idOf(plane), plane, options.elements[plane]));
    const volumes = [{ volumeId: viewer.#imageId }];
    await Promise.all(planes.map((plane) => viewer.#viewport(plane).setVolumes(volumes)));
    viewer.#listen();
    return viewer;
  }

  imageChanged(slices: SliceRange): void {
    imageChanged(this.#imageId, slices);
    this.#render();
  }

  setWindow({ centre, width }: GreyWindow): void {
    const voiRange = { lower: centre - width / 2, upper: centre + width / 2 };
    for (const plane of planes) this.#viewport(plane).setProperties({ voiRange });
    this.#render();
  }

  reset(): void {
    for (const plane of planes) resetPlane(this.#viewport(plane), plane, this.#options.volume.geometry);
    this.#render();
  }

  viewOf(plane: Plane): PlaneView {
    return viewOf(this.#viewport(plane));
  }

  /** What is in the middle of a plane: LPS, mm. */
  focusOf(plane: Plane): Vector {
    return this.#viewport(plane).getCamera().focalPoint as unknown as Vector;
  }

  /** Scrolls a plane to a point, LPS in mm. */
  jumpToPoint(plane: Plane, point: Vector): void {
    this.#viewport(plane).jumpToWorld([...point]);
    this.#viewport(plane).render();
  }

  destroy(): void {
    this.#stop.abort();
    this.#resizing.disconnect();
    dropTools(groupId);
    const engine = getRenderingEngine(engineId);
    // The case may have gone before.
    if (engine !== undefined && !engine.hasBeenDestroyed)
      for (const plane of planes) engine.disableElement(idOf(plane));
    removeImage(this.#imageId);
  }

  #listen(): void {
    const { elements, onView, onWindow } = this.#options;
    const { signal } = this.#stop;
    const group = lookingTools(groupId);
    for (const plane of planes) {
      const element = elements[plane];
      group.addViewport(idOf(plane), engineId);
      this.#resizing.observe(element);
      for (const name of [Enums.Events.CAMERA_MODIFIED, Enums.Events.VOLUME_NEW_IMAGE]) {
        element.addEventListener(name, () => onView(plane), { signal });
      }
      const windowed = (event: Event) => {
        const { lower, upper } = (event as CustomEvent).detail.range;
        onWindow({ centre: (lower + upper) / 2, width: upper - lower });
      };
      element.addEventListener(Enums.Events.VOI_MODIFIED, windowed, { signal });
      element.addEventListener('contextmenu', (event) => event.preventDefault(), { signal });
    }
  }

  #render(): void {
    getRenderingEngine(engineId)?.renderViewports(planes.map(idOf));
  }

  #viewport(plane: Plane): Types.IVolumeViewport {
    return getRenderingEngine(engineId)!.getViewport(idOf(plane)) as Types.IVolumeViewport;
  }
}

function idOf(plane: Plane): string {
  return `beside-${plane}`;
}
