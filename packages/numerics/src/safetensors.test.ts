import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, SafetensorsError } from './safetensors.ts';
import { arrayConstructor, type DType, type Tensor, tensor } from './tensor.ts';

const dtypes = Object.keys(arrayConstructor) as DType[];
const anyTensor: fc.Arbitrary<Tensor> = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }) })
  .map(({ dtype, shape }) => {
    const made = tensor(dtype, shape);
    new Uint8Array(made.data.buffer).forEach((_, index, bytes) => {
      bytes[index] = (index * 37 + 11) % 251;
    });
    return made;
  });
const anyTensors = fc
  .uniqueArray(fc.tuple(fc.string({ maxLength: 12 }), anyTensor), { selector: ([name]) => name, maxLength: 5 })
  .map((entries) => new Map(entries.filter(([name]) => name !== '__metadata__')));

/** `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}` and 1.5, -2: what the Python library writes. */
const written = Buffer.from(
  '38000000000000007b2261223a7b226474797065223a22463332222c227368617065223a5b325d2c22646174615f6f666673657473223a5b302c385d7d7d20200000c03f000000c0',
  'hex',
);

describe('safetensors', () => {
  it('gives back what was written, for every dtype, shape and name', () => {
    fc.assert(
      fc.property(anyTensors, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        const decoded = decodeSafetensors(encodeSafetensors(tensors, metadata));
        expect(decoded.tensors).toEqual(tensors);
        expect({ ...decoded.metadata }).toEqual({ ...metadata });
      }),
    );
  });

  it('reads and writes the bytes of the reference implementation', () => {
    const { tensors } = decodeSafetensors(written);
    expect(tensors.get('a')).toEqual(tensor('float32', [2], new Float32Array([1.5, -2])));
    expect(Buffer.from(encodeSafetensors(tensors)).equals(written)).toBe(true);
  });

  it('keeps the order of tensors that hold something', () => {
    const names = ['b', '10', '2', 'a', '__proto__'];
    const tensors = new Map(names.map((name, index) => [name, tensor('int8', [1], new Int8Array([index]))]));
    expect([...decodeSafetensors(encodeSafetensors(tensors)).tensors.keys()]).toEqual(names);
  });

  it('refuses a file cut at any byte', () => {
    for (let length = 0; length < written.length; length++) {
      expect(() => decodeSafetensors(written.subarray(0, length)), `cut at ${length}`).toThrow(SafetensorsError);
    }
  });

  it('never throws anything but its own error, whatever byte is wrong', () => {
    fc.assert(
      fc.property(fc.nat(written.length - 1), fc.integer({ min: 0, max: 255 }), (position, value) => {
        const damaged = Uint8Array.from(written);
        damaged[position] = value;
        try {
          decodeSafetensors(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses bytes after the last tensor', () => {
    expect(() => decodeSafetensors(Buffer.concat([written, Buffer.from([0])]))).toThrow(/left over/);
  });
});
