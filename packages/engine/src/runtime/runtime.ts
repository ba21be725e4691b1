/** Where graphs are run: one interface, an implementation for Node (`node.ts`) and one for browsers (`web.ts`). */
import type { Tensor } from '@consilium/numerics';
import type { Model } from '../model.ts';

export interface RuntimeOptions {
  /** Threads within an operator; 1 unless told, so that several sites share a machine fairly. */
  readonly threads?: number;
  /** Keep freed memory for the next run: faster, but the session's peak stays allocated. On unless told. */
  readonly keepMemory?: boolean;
}

export interface RunOptions {
  /** Outputs to compute; all unless told. */
  readonly fetches?: readonly string[];
  /** Tensors that results are written into, by output name: saves an allocation a run. */
  readonly into?: Readonly<Record<string, Tensor>>;
}

/** Opens models. */
export interface Runtime {
  readonly name: string;
  /**
   * @throws EngineError `engine.session-failed` if ONNX Runtime refuses the graph; `engine.model-unsupported` if an input
   * or output is float16 or bfloat16.
   */
  open(model: Model, options?: RuntimeOptions): Promise<Session>;
}

/** A model made ready to run. Runs one at a time; on Node a run blocks the thread it is on. */
export interface Session extends AsyncDisposable {
  /**
   * @throws EngineError `engine.feed-mismatch` if a feed is missing, or if a feed, a fetch or a tensor for a result is
   * unknown or of another type or shape than declared; `engine.session-failed` if the computation fails.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    options?: readonly string[] | RunOptions,
  ): Promise<Record<string, Tensor>>;
}
