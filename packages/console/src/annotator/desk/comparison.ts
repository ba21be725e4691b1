/**
 * Another series of the patient beside the case, with its planes where the case's are: by position where both have one frame
 * of reference, otherwise as far along each of the patient's directions.
 */
import type { Answer } from '@consilium/reading/api';
import { CaseVolume } from '../case/case-volume.ts';
import type { SliceRange } from '../case/label-editor.ts';
import type { CaseViewer } from '../viewer/case-viewer.ts';
import { firstWindow, type GreyWindow } from '../viewer/grey-window.ts';
import type { PlaneView } from '../viewer/plane-viewport.ts';
import { SideViewer } from '../viewer/side-viewer.ts';
import { type CaseGeometry, type Plane, planes, pointAlike, type Vector } from '../viewer/view-plane.ts';

export type BesideSeries = Answer<'listBeside'>[number];

export interface ComparisonState {
  /** The one that is shown. */
  readonly series: BesideSeries | undefined;
  /** Whether it lies where the case lies; undefined until that is known. */
  readonly isSameFrame: boolean | undefined;
  readonly views: Readonly<Partial<Record<Plane, PlaneView>>>;
  readonly window: GreyWindow | undefined;
  /** Of its image that has come, 0 to 1. */
  readonly share: number;
}

const nothing: ComparisonState = { series: undefined, isSameFrame: undefined, views: {}, window: undefined, share: 0 };

export class Comparison {
  /** What can be shown: the same study first, then the latest of the earlier ones. */
  readonly choices: readonly BesideSeries[];
  readonly #place: { readonly project: string; readonly caseId: string };
  readonly #geometry: CaseGeometry;
  readonly #listeners = new Set<() => void>();
  #state: ComparisonState = nothing;
  #case: CaseViewer | undefined;
  #side: SideViewer | undefined;
  #volume: CaseVolume | undefined;
  /** While planes follow others, which are not to follow them in turn. */
  #isFollowing = false;

  constructor(
    place: { readonly project: string; readonly caseId: string },
    { choices, geometry }: { choices: readonly BesideSeries[]; geometry: CaseGeometry },
  ) {
    this.#place = place;
    this.choices = choices;
    this.#geometry = geometry;
  }

  readonly state = (): ComparisonState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The pictures of the case, once they are there. */
  attach(viewer: CaseViewer): void {
    this.#case = viewer;
  }

  /** Which one is shown, from now on; the pictures come when their elements are there. */
  choose(series: BesideSeries | undefined): void {
    if (series === this.#state.series) return;
    if (series === undefined || this.#state.series === undefined) this.#case?.fitSoon();
    this.#change({ ...nothing, series });
  }

  /** Shows or hides: what was shown last, or the first. */
  toggle(): void {
    this.choose(this.#state.series === undefined ? this.choices[0] : undefined);
  }

  /** Shows the chosen series in elements of the page. Resolves when all of it is here. @throws ServiceError */
  async mount(elements: Readonly<Record<Plane, HTMLDivElement>>): Promise<void> {
    const { series } = this.#state;
    if (series === undefined || this.#case === undefined) return;
    const isGone = () => this.#state.series !== series || this.#case === undefined;
    const { isSameFrame, volume } = await CaseVolume.openBeside(this.#place, series.seriesInstanceUid);
    if (isGone()) return volume.close();
    this.#volume = volume;
    await volume.begun;
    if (isGone()) return;
    const side = await SideViewer.create({
      ...{ elements, volume },
      onView: (plane) => this.#sideMoved(plane),
      onWindow: (window) => this.#change({ window }),
      onSized: () => this.reset(),
    });
    if (isGone()) return side.destroy();
    this.#side = side;
    this.#change({ isSameFrame });
    let isWindowed = false;
    const receive = (slices: SliceRange) => {
      if (!isWindowed) side.setWindow(firstWindow(volume.slices(slices)));
      isWindowed = true;
      side.imageChanged(slices);
      this.#change({ share: volume.share });
    };
    volume.listen(receive);
    volume.received.forEach(receive);
    for (const plane of planes) this.follow(plane);
    await volume.done;
  }

  unmount(): void {
    this.#volume?.close();
    this.#volume = undefined;
    this.#side?.destroy();
    this.#side = undefined;
  }

  close(): void {
    this.unmount();
    this.#case = undefined;
  }

  /** Windows of CT mean the same in each. */
  setWindow(window: GreyWindow): void {
    if (this.#state.series?.modality === 'CT') this.#side?.setWindow(window);
  }

  reset(): void {
    // The case does not follow.
    this.#following(() => this.#side?.reset());
    for (const plane of planes) this.follow(plane);
  }

  /** A plane of the case shows another slice. */
  follow(plane: Plane): void {
    const [viewer, side, volume] = [this.#case, this.#side, this.#volume];
    if (viewer === undefined || side === undefined || volume === undefined || this.#isFollowing) return;
    this.#following(() => side.jumpToPoint(plane, this.#alike(viewer.focusOf(plane), this.#geometry, volume.geometry)));
    this.#look(plane);
  }

  #sideMoved(plane: Plane): void {
    this.#look(plane);
    const [viewer, side, volume] = [this.#case, this.#side, this.#volume];
    if (viewer === undefined || side === undefined || volume === undefined || this.#isFollowing) return;
    this.#following(() => viewer.jumpToPoint(plane, this.#alike(side.focusOf(plane), volume.geometry, this.#geometry)));
  }

  #alike(point: Vector, from: CaseGeometry, to: CaseGeometry): Vector {
    return this.#state.isSameFrame === true ? point : pointAlike(point, from, to);
  }

  #following(work: () => void): void {
    this.#isFollowing = true;
    try {
      work();
    } finally {
      this.#isFollowing = false;
    }
  }

  #look(plane: Plane): void {
    const view = this.#side?.viewOf(plane);
    if (view !== undefined) this.#change({ views: { ...this.#state.views, [plane]: view } });
  }

  #change(part: Partial<ComparisonState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener();
  }
}
