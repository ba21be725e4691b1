/**
 * ONNX Runtime on the graphics processor of the page's machine. Its file is twice that for WebAssembly alone: import this
 * when it is needed, `import('@consilium/engine/web-gpu')`. What WebGPU cannot do of a graph is done in WebAssembly; of
 * our networks that is nothing, if they up-sample by `nearest` (bench/annotation says which operators it lacks).
 */
import * as ort from 'onnxruntime-web/webgpu';
import { openOnnxSession } from './onnx-session.ts';
import type { Runtime } from './runtime.ts';
import type { WebRuntimeOptions } from './web.ts';

interface GraphicsAdapter {
  readonly info?: { readonly isFallbackAdapter?: boolean };
}

export interface WebGpuOptions extends WebRuntimeOptions {
  /** Also where the adapter is a program on the CPU, which is slower than WebAssembly: for tests. Off unless told. */
  readonly allowsFallback?: boolean;
  /** Refuses a graph with an operator that WebGPU lacks. Off unless told. */
  readonly onlyGpu?: boolean;
}

/** null where the page has no graphics processor: take `webRuntime` then. */
export async function webGpuRuntime({
  wasmPath,
  allowsFallback = false,
  onlyGpu = false,
}: WebGpuOptions = {}): Promise<Runtime | null> {
  const { gpu } = navigator as unknown as { readonly gpu?: { requestAdapter(): Promise<GraphicsAdapter | null> } };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (adapter === undefined || adapter === null) return null;
  if (adapter.info?.isFallbackAdapter === true && !allowsFallback) return null;
  return {
    name: 'onnxruntime-webgpu',
    open: (model) => {
      if (wasmPath !== undefined) ort.env.wasm.wasmPaths = wasmPath;
      ort.env.wasm.numThreads = 1;
      return openOnnxSession(ort, model, {
        writesInPlace: false,
        sharesMemory: false, // and WebGPU lacks the operator that copies
        session: {
          executionProviders: onlyGpu ? ['webgpu'] : ['webgpu', 'wasm'],
          graphOptimizationLevel: 'all',
          logSeverityLevel: 3,
          ...(onlyGpu ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
        },
      });
    },
  };
}
