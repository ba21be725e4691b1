/** ONNX Runtime in a browser: WebAssembly, of `onnxruntime-web`. */
import * as ort from 'onnxruntime-web/wasm';
import { openOnnxSession } from './onnx-session.ts';
import type { Runtime } from './runtime.ts';

export interface WebRuntimeOptions {
  /** Where the page finds ONNX Runtime's .wasm and .mjs files; beside the script unless told. Ends in a slash. */
  readonly wasmPath?: string;
}

/**
 * More than one thread needs a cross-origin isolated page. The first session of a page decides how many there are: later
 * ones share its WebAssembly instance.
 */
export function webRuntime({ wasmPath }: WebRuntimeOptions = {}): Runtime {
  return {
    name: 'onnxruntime-web',
    open: (model, { threads = 1, keepMemory = true } = {}) => {
      if (wasmPath !== undefined) ort.env.wasm.wasmPaths = wasmPath;
      ort.env.wasm.numThreads = threads;
      return openOnnxSession(ort, model, {
        writesInPlace: false, // it hands back the tensors it was given, unwritten
        session: {
          executionProviders: ['wasm'],
          graphOptimizationLevel: 'all',
          enableCpuMemArena: keepMemory,
          enableMemPattern: keepMemory,
          logSeverityLevel: 3,
        },
      });
    },
  };
}
