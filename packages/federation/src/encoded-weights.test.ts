import { createRandom, encodeSafetensors, type Tensor, tensor, type Weights } from '@consilium/numerics';
import { type BlobId, chunkBytes, type Encoding, scalesOf } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { admit } from './admission.ts';
import { putBlob } from './blob.ts';
import { ContributedWeights } from './contributed-weights.ts';
import { encodeWeights } from './encoded-weights.ts';
import { FiniteChunks } from './finite-chunks.ts';
import { MemoryStore } from './memory-store.ts';
import { type Floats, WeightsFile } from './weights.ts';

const store = new MemoryStore();
const put = async (weights: Weights): Promise<BlobId> => putBlob(store, encodeSafetensors(weights));
const vector = (values: readonly number[] | Float32Array, dtype: 'float32' | 'float64' = 'float32'): Tensor =>
  dtype === 'float32'
    ? tensor(dtype, [values.length], Float32Array.from(values))
    : tensor(dtype, [values.length], Float64Array.from(values));
const none: Weights = new Map();

async function decoded(tensors: Weights, base: Weights, encoding: Encoding): Promise<ContributedWeights> {
  const sent = await WeightsFile.open(store, await put(base));
  const weights = await ContributedWeights.open(store, { weights: await put(tensors), encoding }, sent, []);
  expect(weights.mismatch).toBeNull();
  return weights;
}

const numbers = ['float32', 'float16', 'bfloat16', 'int8'] as const;
const anyValue = fc.float({ min: Math.fround(-1e4), max: Math.fround(1e4), noNaN: true });
/** More than one block of 4096, the last one not full. */
const length = 9000;
const anyRecipe = fc.record({
  seed: fc.integer(),
  scale: fc.constantFrom(1e-6, 1, 1e3),
  dtype: fc.constantFrom('float32' as const, 'float64' as const),
  some: fc.array(anyValue, { maxLength: 5 }),
});

function modelOf({ seed, scale, dtype, some }: typeof anyRecipe extends fc.Arbitrary<infer R> ? R : never) {
  const random = createRandom(seed);
  const near = Array.from({ length }, () => random.normal());
  const moved = [...some, ...near.slice(some.length).map((value) => value + scale * random.normal())];
  return { base: new Map([['w', vector(near, dtype)]]), weights: new Map([['w', vector(moved, dtype)]]) };
}

/** What an encoding may be off by, for a value and the largest difference to the base in its block. */
const bound = {
  float32: () => 0,
  float16: (value) => Math.max(Math.abs(value) * 2 ** -11, 2 ** -25),
  bfloat16: (value) => Math.max(Math.abs(value) * 2 ** -8, 2 ** -134),
  int8: (value, largest) => largest / 254 + Math.max(Math.abs(value) * 2 ** -23, 2 ** -149),
} satisfies Record<(typeof numbers)[number], (value: number, largest: number) => number>;

describe.each(numbers)('weights that travel as %s', (kind) => {
  it('come back within the error that the encoding has, whatever part is read', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecipe, fc.nat(length), fc.nat(length), async (recipe, one, other) => {
        const { weights, base } = modelOf(recipe);
        const encoding: Encoding = { numbers: kind, onlyChanged: false };
        const { tensors } = encodeWeights({ weights, base, residual: none, encoding });
        const reader = await decoded(tensors, base, encoding);
        const [begin, end] = [Math.min(one, other), Math.max(one, other)];
        const got = await reader.read('w', begin, end);
        const values = weights.get('w')!.data as Floats;
        const sent = base.get('w')!.data as Floats;
        expect(got.constructor).toBe(values.constructor);
        expect(got).toHaveLength(end - begin);
        const largest = Array.from({ length: Math.ceil(length / 4096) }, (_, block) => {
          let most = 0;
          for (let index = 4096 * block; index < Math.min(length, 4096 * (block + 1)); index++) {
            most = Math.max(most, Math.abs(values[index]! - sent[index]!));
          }
          return most;
        });
        for (let index = begin; index < end; index++) {
          const value = values[index]!;
          const off = Math.abs(got[index - begin]! - value);
          // The scale is itself a float32, and float64 values pass through one on their way to 16 bits.
          if (off > bound[kind](value, largest[index >> 12]!) * 1.0001) expect.fail(`${value} is off by ${off}`);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('leave out, if asked to, the tensors that have not changed, which are read as they were', async () => {
    const base = new Map([
      ['w', vector([0.1, -0])],
      ['v', vector([1])],
      ['u', vector([])],
    ]);
    const weights = new Map([...base, ['v', vector([2])]]);
    const encoding: Encoding = { numbers: kind, onlyChanged: true };
    const { tensors } = encodeWeights({ weights, base, residual: none, encoding });
    expect([...tensors.keys()]).toEqual(kind === 'int8' ? ['v', scalesOf('v')] : ['v']);
    const reader = await decoded(tensors, base, encoding);
    expect(await reader.read('w', 0, 2)).toEqual(new Float32Array([0.1, -0]));
    expect(await reader.read('v', 0, 1)).toEqual(new Float32Array([2]));
  });
});

describe('error feedback', () => {
  /** Rounds in which each site would move all weights a little and one of them a lot; what has arrived in the end. */
  async function arrived(rounds: number, { feedback }: { readonly feedback: boolean }): Promise<Floats> {
    const encoding: Encoding = { numbers: 'int8', onlyChanged: false };
    let base: Weights = new Map([['w', vector([0, 0, 0])]]);
    let residual = none;
    for (let round = 0; round < rounds; round++) {
      const steps = [round % 2 === 0 ? 1 : -1, 0.003, -0.001];
      const weights = new Map([
        ['w', vector((base.get('w')!.data as Float32Array).map((value, at) => value + steps[at]!))],
      ]);
      const encoded = encodeWeights({ weights, base, residual, encoding });
      if (feedback) residual = encoded.residual;
      const reader = await decoded(encoded.tensors, base, encoding);
      base = new Map([['w', vector((await reader.read('w', 0, 3)) as Float32Array)]]);
    }
    return base.get('w')!.data as Floats;
  }

  it('lets small differences arrive in the sum over rounds that rounding would swallow for ever', async () => {
    const withIt = await arrived(200, { feedback: true });
    const without = await arrived(200, { feedback: false });
    expect(without[2]).toBe(0);
    [0, 200 * 0.003, 200 * -0.001].forEach((sum, index) => {
      expect(Math.abs(withIt[index]! - sum)).toBeLessThan(1 / 254 + 1e-5);
    });
  });

  it('keeps what is owed of a tensor that has not changed', () => {
    const base = new Map([['w', vector([1, 2])]]);
    const residual = new Map([['w', vector([0.5, 0])]]);
    const encoding: Encoding = { numbers: 'int8', onlyChanged: true };
    const { tensors } = encodeWeights({ weights: base, base, residual, encoding });
    expect(tensors.get('w')!.data).toEqual(new Int8Array([127, 0]));
  });
});

describe('a contribution in an encoding', () => {
  const base = new Map([['w', vector([1, 2, 3])]]);
  const scales = (values: readonly number[]): [string, Tensor] => [scalesOf('w'), vector(values)];
  const levels: [string, Tensor] = ['w', tensor('int8', [3], new Int8Array([1, -1, 127]))];
  const half: [string, Tensor] = ['w', tensor('float16', [3], new Uint16Array([0x3c00, 0x4000, 0x4200]))];

  const asking = (numbers: Encoding['numbers']) => ({
    keepLocal: [],
    control: null,
    reply: { numbers, onlyChanged: false },
  });
  const plainly = (weights: BlobId, numbers: Encoding['numbers'] = 'float32') =>
    ({
      kind: 'train',
      weights,
      encoding: { numbers, onlyChanged: false },
      controlChange: null,
      cases: 1,
      steps: 1,
      meanLoss: 0,
    }) as const;

  /** The same whether its chunks were looked at when they came or not. */
  const verdict = async (tensors: readonly [string, Tensor][], kind: Encoding['numbers'], model: Weights = base) => {
    const sent = await WeightsFile.open(store, await put(model));
    const contribution = plainly(await put(new Map(tensors)), kind);
    const finiteChunks = new FiniteChunks();
    for (const chunk of (await store.getManifest(contribution.weights))!.chunks) {
      finiteChunks.note(chunk, await store.getChunk(chunk));
    }
    const admission = await admit({ store }, contribution, sent, asking(kind));
    expect(await admit({ store, finiteChunks }, contribution, sent, asking(kind))).toEqual(admission);
    return admission.admitted ? 'admitted' : admission.code;
  };

  it.each([
    ['int8', [levels, scales([0.5])], 'admitted'],
    ['int8', [levels], 'federation.weights-other-names'],
    ['int8', [levels, scales([0.5, 0.5])], 'federation.weights-other-shape'],
    ['int8', [levels, scales([Number.NaN])], 'federation.weights-not-finite'],
    ['int8', [levels, scales([Number.POSITIVE_INFINITY])], 'federation.weights-not-finite'],
    ['int8', [levels, scales([3e38])], 'federation.weights-not-finite'],
    ['int8', [half, scales([0.5])], 'federation.weights-other-dtype'],
    ['int8', [...base], 'federation.weights-other-names'],
    ['float16', [half], 'admitted'],
    ['bfloat16', [half], 'federation.weights-other-dtype'],
    ['float32', [half], 'federation.weights-other-dtype'],
    ['float16', [['w', tensor('float16', [3], new Uint16Array([0x7c00, 0, 0]))]], 'federation.weights-not-finite'],
    ['float16', [...base], 'federation.weights-other-dtype'],
  ] satisfies [Encoding['numbers'], [string, Tensor][], string][])(
    'as %s is judged by what it is: %o: %s',
    async (kind, tensors, code) => {
      expect(await verdict(tensors, kind)).toBe(code);
    },
  );

  it.each([
    [0x7f7fffff, 'admitted'], // the largest
    [0xff7fffff, 'admitted'],
    [0x80000000, 'admitted'], // -0
    [0x00000001, 'admitted'], // the smallest
    [0x7f800000, 'federation.weights-not-finite'],
    [0xff800000, 'federation.weights-not-finite'],
    [0x7f800001, 'federation.weights-not-finite'],
    [0x7fffffff, 'federation.weights-not-finite'],
    [0xffffffff, 'federation.weights-not-finite'],
  ])('of float32 with the bits %i at any place is %s', async (bits, code) => {
    for (let place = 0; place < 3; place++) {
      const values = new Uint32Array(3).with(place, bits);
      expect(await verdict([['w', tensor('float32', [3], new Float32Array(values.buffer))]], 'float32')).toBe(code);
    }
  });

  it.each([
    [1e300, 'admitted'],
    [Number.NaN, 'federation.weights-not-finite'],
    [Number.NEGATIVE_INFINITY, 'federation.weights-not-finite'],
  ])('of float64 with %d is %s', async (value, code) => {
    const doubles: Weights = new Map([['w', vector([1, 2, 3], 'float64')]]);
    expect(await verdict([['w', vector([1, value, 3], 'float64')]], 'float32', doubles)).toBe(code);
  });

  it('is not read once more where all its chunks were seen when they came', async () => {
    const length = 2 * (chunkBytes / 4);
    const sent = await WeightsFile.open(store, await put(new Map([['w', vector(new Float32Array(length))]])));
    const contribution = plainly(await put(new Map([['w', vector(new Float32Array(length).fill(0.5))]])));
    const { chunks } = (await store.getManifest(contribution.weights))!;
    const finiteChunks = new FiniteChunks();
    for (const id of chunks) {
      const read = vi.spyOn(store, 'getPart');
      const admission = await admit({ store, finiteChunks }, contribution, sent, asking('float32'));
      expect(admission).toEqual({ admitted: true });
      expect(read.mock.calls.some(([each]) => each === chunks.at(-1))).toBe(true);
      read.mockRestore();
      finiteChunks.note(id, await store.getChunk(id));
    }
    const read = vi.spyOn(store, 'getPart');
    expect(await admit({ store, finiteChunks }, contribution, sent, asking('float32'))).toEqual({ admitted: true });
    expect(read.mock.calls).toEqual([]);
    read.mockRestore();
  });

  it('of weights that diverged is refused as such', async () => {
    for (const kind of numbers) {
      const weights = new Map([['w', vector([1, Number.NaN, 3])]]);
      const { tensors, residual } = encodeWeights({
        weights,
        base,
        residual: none,
        encoding: { numbers: kind, onlyChanged: false },
      });
      expect(await verdict([...tensors], kind)).toBe('federation.weights-not-finite');
      for (const { data } of residual.values()) expect((data as Float32Array).every(Number.isFinite)).toBe(true);
    }
  });
});
