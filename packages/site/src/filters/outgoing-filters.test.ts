import { type Tensor, tensor, type Weights } from '@consilium/numerics';
import type { Task } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { ToyDirectory } from '../toy-hospital.fixture.ts';
import type { FilterSpec } from './filter-spec.ts';
import { filterWeights, requireUnblocked } from './outgoing-filters.ts';

const weights = (a: readonly number[], b: number): Weights =>
  new Map<string, Tensor>([
    ['a', tensor('float32', [2, 2], Float32Array.from(a))],
    ['b', tensor('float64', [1], Float64Array.of(b))],
  ]);
const sent = weights([1, 1, 1, 1], 5);
const trained = weights([4, 1, 1, 5], 5);

const filtered = (directory: ToyDirectory, filters: readonly FilterSpec[], changes: object = {}) =>
  filterWeights(trained, {
    filters,
    sent,
    steps: 2,
    work: 'job/1/train/site-1',
    workDirectory: directory.path,
    ...changes,
  });
const numbersOf = (weights: Weights) =>
  Object.fromEntries([...weights].map(([name, { data }]) => [name, [...(data as Float64Array)]]));

describe('the filters of a site', () => {
  it('are done in their order, on how far the weights have moved, and are named', async () => {
    using directory = new ToyDirectory();
    const clip = { kind: 'clip', norm: 1 } as const;
    const large = { kind: 'percentile', percentile: 100, gamma: 0.4 } as const;
    const one = await filtered(directory, [clip, large]);
    expect(one.names).toEqual(['clip', 'percentile']);
    expect(numbersOf(one.weights)['a']![3]).toBeCloseTo(1.8, 6);
    expect(numbersOf(one.weights)['a']![0]).toBe(1);
    const other = await filtered(directory, [large, clip]);
    expect(numbersOf(other.weights)['a']![3]).toBeCloseTo(1.8, 6);
    expect(other.names).toEqual(['percentile', 'clip']);
    for (const [name, { dtype, shape }] of one.weights)
      expect({ dtype, shape }).toEqual({ dtype: trained.get(name)!.dtype, shape: trained.get(name)!.shape });
  });

  it('that there are none of change nothing, not a byte, and keep no secret', async () => {
    using directory = new ToyDirectory();
    const { weights: same, names } = await filtered(directory, [{ kind: 'block', contributions: ['statistics'] }]);
    expect(same).toBe(trained);
    expect(names).toEqual([]);
  });

  it('make the same noise of the same work on the same weights, also after a restart, and other noise of any other', async () => {
    using directory = new ToyDirectory();
    using elsewhere = new ToyDirectory();
    const noise: FilterSpec[] = [{ kind: 'noise', deviation: 1 }];
    const first = numbersOf((await filtered(directory, noise)).weights);
    expect(numbersOf((await filtered(directory, noise)).weights)).toEqual(first);
    const others = [
      await filtered(directory, noise, { work: 'job/2/train/site-1' }),
      await filtered(directory, [...noise, ...noise]),
      await filtered(directory, noise, { sent: weights([1, 1, 1, 1.5], 5) }),
      await filtered(elsewhere, noise),
    ];
    // Noise lies on a grid, so that a single number may come twice by chance; several do not.
    const unchanged = ({ a, b }: Record<string, number[]>) => [...a!.slice(0, 3), ...b!];
    for (const { weights: other } of others) expect(unchanged(numbersOf(other))).not.toEqual(unchanged(first));
  });

  it('let no blocked kind of answer begin', () => {
    const filters: FilterSpec[] = [
      { kind: 'clip', norm: 1 },
      { kind: 'block', contributions: ['statistics', 'control'] },
    ];
    const task = (fields: object) => ({ taskId: 't', jobId: 'j', attempt: 1, ...fields }) as unknown as Task;
    const blocked = expect.objectContaining({ code: 'site.payload-blocked', lasting: true });
    expect(() => requireUnblocked(task({ kind: 'statistics' }), filters)).toThrow(blocked);
    expect(() => requireUnblocked(task({ kind: 'train', control: 'ab' }), filters)).toThrow(blocked);
    for (const allowed of [{ kind: 'train', control: null }, { kind: 'evaluate' }]) {
      expect(() => requireUnblocked(task(allowed), filters)).not.toThrow();
    }
  });
});
