/** Does to a structure as a whole what takes long, beside the page. */
import { type LabelOperation, operate } from '@consilium/reading/api';

/** What is asked of the worker, and `number` with the answer. */
export interface LabelWork {
  readonly number: number;
  readonly mask: Uint8Array;
  readonly size: readonly [number, number, number];
  readonly spacingMm: readonly [number, number, number];
  readonly operation: LabelOperation;
}

export interface LabelWorkDone {
  readonly number: number;
  /** Undefined if it failed. */
  readonly mask: Uint8Array | undefined;
}

self.addEventListener('message', ({ data }: MessageEvent<LabelWork>) => {
  const { mask, number, operation, ...grid } = data;
  let done: LabelWorkDone;
  try {
    done = { number, mask: operate(mask, grid, operation) };
  } catch {
    done = { number, mask: undefined };
  }
  self.postMessage(done);
});
