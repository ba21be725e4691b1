/** The script of the page that `web.test.ts` opens: hands it the checks by name, over the runtime for browsers. */

import { elementCount, tensor } from '@consilium/numerics';
import { GraphBuilder } from '../graph-builder.ts';
import type { Model } from '../model.ts';
import type { Value } from '../value.ts';
import { conformanceChecks, withThreads } from './runtime.conformance.ts';
import { webRuntime } from './web.ts';
import { webGpuRuntime } from './web-gpu.ts';

declare global {
  interface Window {
    /** Undefined if the runtime passes, else what it did. */
    runCheck(name: string): Promise<string | undefined>;
    /** How far a small U-Net's outputs on WebGPU are from those in WebAssembly; null where there is no WebGPU. */
    differenceOnGpu(): Promise<number | null>;
    /** Whether WebGPU is offered where it is a program on the CPU. */
    offersSlowGpu(): Promise<boolean>;
  }
}

const threads = Number(new URLSearchParams(location.search).get('threads'));
const runtime = withThreads(webRuntime({ wasmPath: '/onnxruntime/' }), threads);

window.runCheck = async (name) => {
  try {
    await conformanceChecks.find((check) => check.name === name)!.run(runtime);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.stack : String(error);
  }
};

/** Every operator of our networks, up-sampling by `nearest`. */
function smallUNet(): Model {
  const g = new GraphBuilder({ name: 'u-net' });
  const varied = (shape: readonly number[], phase: number) =>
    g.constant(
      tensor(
        'float32',
        shape,
        Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i + phase)),
      ),
    );
  const x = g.input('x', 'float32', [1, 2, 8, 8, 8]);
  const block = (value: Value, channels: number): Value => {
    const weight = varied([channels, value.shape[1]!, 3, 3, 3], channels);
    const convolved = g.op('Conv', [value, weight], { kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1] });
    const normed = g.op('InstanceNormalization', [convolved, varied([channels], 1), varied([channels], 2)], {
      epsilon: 1e-5,
    });
    return g.op('LeakyRelu', [normed], { alpha: 0.01 });
  };
  const fine = block(x, 4);
  const coarse = block(g.op('MaxPool', [fine], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }), 8);
  const scales = g.constant({ dtype: 'float32', shape: [5], data: Float32Array.of(1, 1, 2, 2, 2) });
  const nearest = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const raised = g.op('Resize', [coarse, null, scales], nearest);
  g.output('y', block(g.op('Concat', [fine, raised], { axis: 1 }), 2));
  return g.build();
}

window.differenceOnGpu = async () => {
  const gpu = await webGpuRuntime({ wasmPath: '/onnxruntime/', allowsFallback: true, onlyGpu: true });
  if (gpu === null) return null;
  const x = tensor(
    'float32',
    [1, 2, 8, 8, 8],
    Float32Array.from({ length: 1024 }, (_, i) => Math.cos(i)),
  );
  const outputs = [];
  for (const each of [gpu, webRuntime({ wasmPath: '/onnxruntime/' })]) {
    await using session = await each.open(smallUNet());
    outputs.push((await session.run({ x }))['y']!.data as Float32Array);
  }
  const [there, here] = outputs as [Float32Array, Float32Array];
  return there.reduce((most, value, index) => Math.max(most, Math.abs(value - here[index]!)), 0);
};

window.offersSlowGpu = async () => (await webGpuRuntime({ wasmPath: '/onnxruntime/' })) !== null;
