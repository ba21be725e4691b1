/** ONNX Runtime in Node: the CPU library of `onnxruntime-node`. */
import ort from 'onnxruntime-node';
import { lowered } from '../lowering.ts';
import { openOnnxSession } from './onnx-session.ts';
import type { Runtime } from './runtime.ts';

/** `run()` blocks the JavaScript thread it is called on: train in a process of its own. */
export function nodeRuntime(): Runtime {
  return {
    name: 'onnxruntime-node',
    open: (model, { threads = 1, keepMemory = true } = {}) =>
      openOnnxSession(ort, lowered(model), {
        writesInPlace: true,
        session: {
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          executionMode: 'sequential',
          graphOptimizationLevel: 'all',
          enableCpuMemArena: keepMemory,
          enableMemPattern: false, // a pattern holds a second copy of the peak: 2.4 against 1.3 GB at 64^3
          logSeverityLevel: 3,
        },
      }),
  };
}
