import { GraphBuilder, gradients } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { elementCount, type Tensor, tensor } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LossSpecInput, lossSpecSchema } from '../network-spec.ts';
import recorded from '../recorded/losses.json' with { type: 'json' };
import { pseudo } from '../recorded/pseudo.fixture.ts';
import { lossFor } from './loss.ts';

interface Evaluated {
  readonly loss: number;
  readonly gradients: readonly Float32Array[];
}

/** The loss of `logits` (finest first) and its gradient with respect to each. */
async function evaluate(
  spec: LossSpecInput,
  logits: readonly Tensor<'float32'>[],
  labels: number[],
): Promise<Evaluated> {
  const g = new GraphBuilder({ name: 'loss' });
  const name = (index: number): string => (index === 0 ? 'logits' : `logits_${index}`);
  const inputs = logits.map(({ shape }, index) => g.input(name(index), 'float32', shape));
  const outputs = Object.fromEntries(inputs.map((input, index) => [name(index), input]));
  const { loss } = lossFor(lossSpecSchema.parse(spec))(g, outputs);
  g.output('loss', loss);
  gradients(g, loss, inputs).forEach((gradient, index) => {
    g.output(`gradient_${index}`, gradient);
  });
  await using session = await nodeRuntime().open(g.build(), { threads: 1 });
  const [n, , ...grid] = logits[0]!.shape as [number, number, ...number[]];
  const feeds: Record<string, Tensor> = { label: tensor('float32', [n, 1, ...grid], Float32Array.from(labels)) };
  logits.forEach((value, index) => {
    feeds[name(index)] = value;
  });
  const results = await session.run(feeds);
  return {
    loss: Number(results['loss']!.data[0]),
    gradients: logits.map((_, index) => results[`gradient_${index}`]!.data as Float32Array),
  };
}

function logitsOf(shape: readonly number[], key: number): Tensor<'float32'> {
  return tensor(
    'float32',
    shape,
    Float32Array.from(pseudo(elementCount(shape), key), (value) => 4 * value),
  );
}

const shape = [1, 3, 2, 3, 4];
const voxels = 24;
const anyLogits = fc
  .array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 3 * voxels, maxLength: 3 * voxels })
  .map((values) => tensor('float32', shape, Float32Array.from(values)));
const anyLabels = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: voxels, maxLength: voxels });

describe('a loss', () => {
  it.each(recorded.map((each, index) => [index, JSON.stringify(each.spec), each] as const))(
    '%i has the value and gradient that PyTorch gives: %s',
    async (_, __, { spec, shapes, logitKeys, labels, loss, gradients }) => {
      const logits = shapes.map((each, index) => logitsOf(each, logitKeys[index]!));
      const evaluated = await evaluate(spec as LossSpecInput, logits, labels);
      expect(Math.abs(evaluated.loss / loss - 1)).toBeLessThan(2e-6);
      gradients.forEach((expected, level) => {
        const largest = Math.max(...expected.map(Math.abs));
        const worst = Math.max(...expected.map((value, i) => Math.abs(value - evaluated.gradients[level]![i]!)));
        expect(worst / largest).toBeLessThan(2e-5);
      });
    },
  );

  it('has a gradient that agrees with finite differences', async () => {
    const spec: LossSpecInput = {
      terms: [{ kind: 'dice' }, { kind: 'focal' }, { kind: 'tversky', exponent: 0.75 }],
      classWeights: [1, 2, 3],
    };
    await fc.assert(
      fc.asyncProperty(anyLogits, anyLabels, fc.nat(3 * voxels - 1), async (logits, labels, position) => {
        const moved = async (by: number): Promise<number> => {
          const data = Float32Array.from(logits.data);
          data[position]! += by;
          return (await evaluate(spec, [tensor('float32', shape, data)], labels)).loss;
        };
        const { gradients } = await evaluate(spec, [logits], labels);
        const difference = ((await moved(0.01)) - (await moved(-0.01))) / 0.02;
        expect(Math.abs(difference - gradients[0]![position]!)).toBeLessThan(2e-3);
      }),
      { numRuns: 10 },
    );
  });

  it('focal with gamma 0 is the cross-entropy', async () => {
    await fc.assert(
      fc.asyncProperty(anyLogits, anyLabels, async (logits, labels) => {
        const focal = await evaluate({ terms: [{ kind: 'focal', gamma: 0 }] }, [logits], labels);
        const entropy = await evaluate({ terms: [{ kind: 'cross-entropy' }] }, [logits], labels);
        expect(focal).toEqual(entropy);
      }),
      { numRuns: 5 },
    );
  });

  it('Tversky with alpha and beta one half is Dice', async () => {
    await fc.assert(
      fc.asyncProperty(anyLogits, anyLabels, async (logits, labels) => {
        const tversky = { kind: 'tversky', alpha: 0.5, beta: 0.5, smooth: 0.5 } as const;
        const a = await evaluate({ terms: [tversky] }, [logits], labels);
        const b = await evaluate({ terms: [{ kind: 'dice', smooth: 1 }] }, [logits], labels);
        expect(a.loss).toBeCloseTo(b.loss, 5);
      }),
      { numRuns: 5 },
    );
  });

  it('gives an ignored voxel no gradient, whatever is predicted there', async () => {
    const spec: LossSpecInput = {
      terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }, { kind: 'focal' }],
      ignoreLabel: 9,
    };
    await fc.assert(
      fc.asyncProperty(anyLogits, anyLabels, fc.nat(voxels - 1), async (logits, labels, ignored) => {
        const { gradients } = await evaluate(spec, [logits], labels.with(ignored, 9));
        for (const channel of [0, 1, 2]) expect(Math.abs(gradients[0]![channel * voxels + ignored]!)).toBe(0);
      }),
      { numRuns: 5 },
    );
  });

  it('is 0 where nothing counts', async () => {
    const spec: LossSpecInput = { terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }], ignoreLabel: 9 };
    const { loss, gradients } = await evaluate(spec, [logitsOf(shape, 3)], new Array<number>(voxels).fill(9));
    expect(loss).toBeCloseTo(0, 6);
    expect(gradients[0]!.every((value) => Math.abs(value) === 0)).toBe(true);
  });

  it('stays finite for logits as large as a thousand', async () => {
    const spec: LossSpecInput = { terms: [{ kind: 'dice' }, { kind: 'cross-entropy' }, { kind: 'focal', gamma: 1.5 }] };
    const logits = logitsOf(shape, 8);
    const large = tensor(
      'float32',
      shape,
      logits.data.map((value) => 250 * value),
    );
    const { loss, gradients } = await evaluate(
      spec,
      [large],
      Array.from({ length: voxels }, (_, index) => index % 3),
    );
    expect(loss).toBeGreaterThan(100);
    expect(gradients[0]!.every(Number.isFinite)).toBe(true);
  });

  it('refuses class weights for another number of classes', async () => {
    const spec: LossSpecInput = { terms: [{ kind: 'dice' }], classWeights: [1, 2] };
    await expect(evaluate(spec, [logitsOf(shape, 1)], [])).rejects.toMatchObject({
      code: 'training.class-weights-mismatch',
    });
  });
});
