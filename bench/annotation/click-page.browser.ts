/** The script of the page that `click.ts` opens: times clicks in the browser, and asks WebGPU which operators it has. */
import { GraphBuilder, type Model, type Runtime } from '@consilium/engine';
import { webRuntime } from '@consilium/engine/web';
import { webGpuRuntime } from '@consilium/engine/web-gpu';
import { tensor } from '@consilium/numerics';
import { clickTimes } from './click-scene.ts';

declare global {
  interface Window {
    /** Milliseconds of each click, on one thread of WebAssembly. The scene's files are the page's neighbours. */
    timeClicks(repeats: number): Promise<readonly number[]>;
    /** What happens to each operator on WebGPU; null without WebGPU. */
    probeOperators(): Promise<Readonly<Record<string, string>> | null>;
  }
}

const wasmPath = '/onnxruntime/';

window.timeClicks = async (repeats) => {
  const [plan, model] = await Promise.all([fetch('/scene/plan.json'), fetch('/scene/model.onnx')]);
  const scene = { plan: await plan.json(), model: new Uint8Array(await model.arrayBuffer()), repeats };
  return clickTimes(webRuntime({ wasmPath }), scene);
};

/** One operator after an identity that WebGPU has, on 4 channels of 4 x 4 x 4. */
function graphOf(
  add: (g: GraphBuilder, x: ReturnType<GraphBuilder['input']>) => ReturnType<GraphBuilder['input']>,
): Model {
  const g = new GraphBuilder({ name: 'probe' });
  g.output('y', add(g, g.input('x', 'float32', [1, 4, 4, 4, 4])));
  return g.build();
}

const filled = (shape: readonly number[]) => {
  const value = tensor('float32', shape);
  return { ...value, data: value.data.fill(0.5) };
};

const probes: Readonly<Record<string, () => Model>> = {
  'Conv 3x3x3': () =>
    graphOf((g, x) =>
      g.op('Conv', [x, g.constant(filled([4, 4, 3, 3, 3]))], { kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1] }),
    ),
  'Conv 3x3x3, stride 2': () =>
    graphOf((g, x) =>
      g.op('Conv', [x, g.constant(filled([4, 4, 3, 3, 3]))], {
        ...{ kernel_shape: [3, 3, 3], pads: [1, 1, 1, 1, 1, 1], strides: [2, 2, 2] },
      }),
    ),
  'ConvTranspose 2x2x2': () =>
    graphOf((g, x) =>
      g.op('ConvTranspose', [x, g.constant(filled([4, 4, 2, 2, 2]))], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] }),
    ),
  InstanceNormalization: () =>
    graphOf((g, x) =>
      g.op('InstanceNormalization', [x, g.constant(filled([4])), g.constant(filled([4]))], { epsilon: 1e-5 }),
    ),
  'MaxPool 2x2x2': () => graphOf((g, x) => g.op('MaxPool', [x], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] })),
  'AveragePool 2x2x2': () =>
    graphOf((g, x) => g.op('AveragePool', [x], { kernel_shape: [2, 2, 2], strides: [2, 2, 2] })),
  'Resize nearest': () =>
    graphOf((g, x) =>
      resize(g, x, { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }),
    ),
  'Resize linear': () =>
    graphOf((g, x) => resize(g, x, { mode: 'linear', coordinate_transformation_mode: 'half_pixel' })),
  LeakyRelu: () => graphOf((g, x) => g.op('LeakyRelu', [x], { alpha: 0.01 })),
  Concat: () => graphOf((g, x) => g.op('Concat', [x, x], { axis: 1 })),
};

function resize(g: GraphBuilder, x: ReturnType<GraphBuilder['input']>, attributes: Readonly<Record<string, string>>) {
  const scales = g.constant({ dtype: 'float32', shape: [5], data: Float32Array.of(1, 1, 2, 2, 2) });
  return g.op('Resize', [x, null, scales], attributes);
}

const inputOf = () => ({
  x: { ...tensor('float32', [1, 4, 4, 4, 4]), data: Float32Array.from({ length: 256 }, (_, index) => Math.sin(index)) },
});

async function outcomeOn(runtime: Runtime, model: Model): Promise<string> {
  try {
    await using session = await runtime.open(model);
    const { y } = await session.run(inputOf());
    await using known = await webRuntime({ wasmPath }).open(model);
    const { y: expected } = await known.run(inputOf());
    const difference = (y!.data as Float32Array).reduce(
      (most, value, index) => Math.max(most, Math.abs(value - (expected!.data as Float32Array)[index]!)),
      0,
    );
    return difference < 1e-4 ? 'as WebAssembly' : `differs by ${difference.toPrecision(2)}`;
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : String(error);
  }
}

window.probeOperators = async () => {
  const strict = await webGpuRuntime({ wasmPath, allowsFallback: true, onlyGpu: true });
  if (strict === null) return null;
  const outcomes: Record<string, string> = {};
  for (const [name, build] of Object.entries(probes)) outcomes[name] = await outcomeOn(strict, build());
  return outcomes;
};
