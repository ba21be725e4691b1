/**
 * What a hand does on the planes with a tool of ours: points, draws a line, a closed line, a rectangle. It is drawn while it is
 * made, and told of when it is done.
 */
import type { Plane } from './view-plane.ts';

export type GestureKind = 'point' | 'line' | 'loop' | 'rectangle';
type Place = readonly [x: number, y: number];

export interface Gesture {
  readonly plane: Plane;
  /** Of the plane's element, px; the four corners of a rectangle. */
  readonly path: readonly Place[];
  /** Whether Shift was held when it began. */
  readonly isOpposite: boolean;
}

/** What moves less is a click, px. */
const stillPx = 4;
/** Places closer to each other are one, px. */
const stepPx = 2;
const svg = 'http://www.w3.org/2000/svg';

export class HandGestures {
  readonly #onGesture: (gesture: Gesture) => void;
  readonly #signal: AbortSignal;
  #kind: GestureKind | undefined;

  constructor(onGesture: (gesture: Gesture) => void, signal: AbortSignal) {
    this.#onGesture = onGesture;
    this.#signal = signal;
  }

  /** What the left button does from now on; undefined: nothing of this. */
  set kind(kind: GestureKind | undefined) {
    this.#kind = kind;
  }

  get isOn(): boolean {
    return this.#kind !== undefined;
  }

  attach(plane: Plane, element: HTMLElement): void {
    const signal = this.#signal;
    element.addEventListener('pointerdown', (event) => this.#begin(plane, element, event), { signal, capture: true });
    // With Shift the left button would window the image as well.
    const keep = (event: MouseEvent) => {
      if (this.#kind !== undefined && event.button === 0) event.stopImmediatePropagation();
    };
    element.addEventListener('mousedown', keep, { signal, capture: true });
  }

  #begin(plane: Plane, element: HTMLElement, event: PointerEvent): void {
    const kind = this.#kind;
    if (kind === undefined || event.button !== 0) return;
    const { left, top } = element.getBoundingClientRect();
    const placeOf = ({ clientX, clientY }: PointerEvent): Place => [clientX - left, clientY - top];
    const path: Place[] = [placeOf(event)];
    const trace = kind === 'point' ? undefined : traceOn(element);
    const over = new AbortController();
    const options = { signal: AbortSignal.any([over.signal, this.#signal]) };
    over.signal.addEventListener('abort', () => trace?.remove());
    const move = (moved: PointerEvent) => {
      if (moved.pointerId !== event.pointerId) return;
      const place = placeOf(moved);
      if (distance(place, path.at(-1)!) < stepPx) return;
      path.push(place);
      trace?.show(shapeOf(kind, path), kind !== 'line');
    };
    const end = (ended: PointerEvent) => {
      if (ended.pointerId !== event.pointerId) return;
      over.abort();
      if (ended.type === 'pointercancel') return;
      move(ended);
      const isStill = path.every((place) => distance(place, path[0]!) < stillPx);
      if (isStill && (kind === 'loop' || kind === 'rectangle')) return;
      this.#onGesture({ plane, path: isStill ? [path[0]!] : shapeOf(kind, path), isOpposite: event.shiftKey });
    };
    document.addEventListener('pointermove', move, options);
    document.addEventListener('pointerup', end, options);
    document.addEventListener('pointercancel', end, options);
  }
}

function shapeOf(kind: GestureKind, path: readonly Place[]): readonly Place[] {
  const [[x1, y1], [x2, y2]] = [path[0]!, path.at(-1)!];
  switch (kind) {
    case 'point':
      return [[x2, y2]];
    case 'rectangle':
      return [
        [x1, y1],
        [x2, y1],
        [x2, y2],
        [x1, y2],
      ];
    case 'line':
    case 'loop':
      return path;
  }
}

function traceOn(element: HTMLElement) {
  const picture = document.createElementNS(svg, 'svg');
  const line = document.createElementNS(svg, 'polyline');
  picture.setAttribute('style', 'position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none');
  line.setAttribute('style', 'fill: none; stroke: #fff; stroke-width: 2; paint-order: stroke');
  picture.append(line);
  element.append(picture);
  return {
    show: (path: readonly Place[], isClosed: boolean) => {
      const places = isClosed ? [...path, path[0]!] : path;
      line.setAttribute('points', places.map((place) => place.join(',')).join(' '));
    },
    remove: () => picture.remove(),
  };
}

function distance([x1, y1]: Place, [x2, y2]: Place): number {
  return Math.hypot(x2 - x1, y2 - y1);
}
