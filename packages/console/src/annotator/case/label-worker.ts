/** Does what takes long beside the page: operations on a structure as a whole, and tools that find one in the image. */
import { cutByScribbles, growRegion, type LabelOperation, operate, threshold } from '@consilium/reading/api';

type Triple = readonly [number, number, number];

/** What is asked of the worker, and `number` with the answer. */
export type LabelWork = { readonly number: number } & (OperationWork | FindingWork);

export interface OperationWork {
  readonly kind: 'operate';
  readonly mask: Uint8Array;
  readonly size: Triple;
  readonly spacingMm: Triple;
  readonly operation: LabelOperation;
}

/** Finds a structure in a part of the image. */
export interface FindingWork {
  readonly kind: 'find';
  readonly tool: FindingTool;
  readonly voxels: Int16Array;
  readonly size: Triple;
  readonly spacingMm: Triple;
  /** 1 where it is said to be, where it is said not to be, where it cannot be. */
  readonly inside: Uint8Array;
  readonly outside: Uint8Array;
  readonly barrier: Uint8Array;
}

export type FindingTool =
  | { readonly kind: 'threshold'; readonly low: number; readonly high: number }
  | { readonly kind: 'grow'; readonly multiplier: number; readonly iterations: number; readonly radius: number }
  | { readonly kind: 'cut'; readonly smoothness: number };

export interface LabelWorkDone {
  readonly number: number;
  /** Undefined if it failed. */
  readonly mask: Uint8Array | undefined;
}

self.addEventListener('message', ({ data }: MessageEvent<LabelWork>) => {
  let mask: Uint8Array | undefined;
  try {
    mask = data.kind === 'operate' ? operate(data.mask, data, data.operation) : found(data);
  } catch {
    mask = undefined;
  }
  self.postMessage({ number: data.number, mask } satisfies LabelWorkDone);
});

function found({ barrier, inside, outside, tool, ...volume }: FindingWork): Uint8Array {
  const closed = barrier.map((value, at) => value | outside[at]!);
  switch (tool.kind) {
    case 'threshold':
      return threshold(volume, { ...tool, within: closed.map((value) => 1 - value) });
    case 'grow':
      return growRegion(volume, { ...tool, seeds: placesOf(inside, volume.size), barrier: closed });
    case 'cut':
      return cutByScribbles(volume, { foreground: inside, background: outside, barrier, smoothness: tool.smoothness });
  }
}

function placesOf(mask: Uint8Array, [, rows, columns]: Triple): readonly Triple[] {
  const places: Triple[] = [];
  for (let at = 0; at < mask.length; at++) {
    if (mask[at] === 1) places.push([Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns]);
  }
  return places;
}
