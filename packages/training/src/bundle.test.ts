import { encodeModel, withWeights } from '@consilium/engine';
import { createRandom, encodeSafetensors, tensor } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { bundleFiles, decodeBundle, encodeBundle } from './bundle.ts';
import { buildNetwork } from './networks/network.ts';
import { toyPlan } from './toy-cohort.fixture.ts';

const plan = toyPlan();
const model = buildNetwork(plan.network, { ...plan, random: createRandom(1) });
const metadata = { name: 'rehearsal', synthetic: true, rounds: 3 };
const files = encodeBundle({ model, plan, metadata });

describe('a bundle', () => {
  it('gives back what was put in', () => {
    const bundle = decodeBundle(files);
    expect(bundle.plan).toEqual(plan);
    expect(bundle.metadata).toEqual(metadata);
    expect(Buffer.from(encodeModel(bundle.model)).equals(encodeModel(model))).toBe(true);
    expect(encodeBundle(bundle)).toEqual(files);
  });

  it.each(Object.values(bundleFiles))('without a whole %s is refused', (name) => {
    const missing = new Map([...files].filter(([each]) => each !== name));
    const bytes = files.get(name)!;
    const cut = new Map([...files, [name, bytes.subarray(0, bytes.length / 2)]]);
    for (const damaged of [missing, cut]) {
      expect(() => decodeBundle(damaged)).toThrow(
        expect.objectContaining({ code: 'training.bundle-malformed', message: expect.stringContaining(name) }),
      );
    }
  });

  it('whose two files of weights differ is refused', () => {
    const others = new Map([...model.parameters].map(([name, value]) => [name, tensor('float32', value.shape)]));
    const mixed = new Map([...files, [bundleFiles.weights, encodeSafetensors(withWeights(model, others).parameters)]]);
    expect(() => decodeBundle(mixed)).toThrow(expect.objectContaining({ code: 'training.bundle-malformed' }));
  });

  it('whose metadata is no object is refused', () => {
    const mixed = new Map([...files, [bundleFiles.metadata, new TextEncoder().encode('[]')]]);
    expect(() => decodeBundle(mixed)).toThrow(expect.objectContaining({ code: 'training.bundle-malformed' }));
  });
});
