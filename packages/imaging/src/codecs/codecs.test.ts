import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ImagingError } from '../imaging-error.ts';
import { fromBase64, recorded } from '../recorded-array.ts';
import type { CodedImage, CodedSize } from './coded-image.ts';
import { decodeJpeg } from './jpeg.ts';
import { decodeJpegLs } from './jpeg-ls.ts';
import { WasmCodec, type WasmCodecName } from './wasm-codec.ts';

interface Case {
  name: string;
  codec: 'jpeg' | 'jpeg-ls' | WasmCodecName;
  rows: number;
  columns: number;
  samples: number;
  type: 'uint8' | 'uint16' | 'int16';
  stream: string;
  values: string;
}
const { cases } = recorded<{ cases: Case[] }>('codecs.json');
const wasm = {
  openjpeg: new WasmCodec('openjpeg', undefined),
  openjph: new WasmCodec('openjph', undefined),
};

async function decode(codec: Case['codec'], bytes: Uint8Array, size: CodedSize): Promise<CodedImage> {
  if (codec === 'jpeg') return decodeJpeg(bytes, size);
  if (codec === 'jpeg-ls') return decodeJpegLs(bytes, size);
  return wasm[codec].decode(bytes, size);
}

function sizeOf({ rows, columns, samples }: Case): CodedSize {
  return { rows, columns, samplesPerPixel: samples };
}

test.each(cases)('$name: the values that imagecodecs finds', async (item) => {
  const bytes = fromBase64.uint8(item.values);
  const wanted = item.type === 'uint8' ? bytes : new (item.type === 'int16' ? Int16Array : Uint16Array)(bytes.buffer);
  const { values } = await decode(item.codec, fromBase64.uint8(item.stream), sizeOf(item));
  expect([...values]).toEqual([...wanted]);
});

const oneOfEach = cases.filter(({ name }) => /sequential|both ways|predictor [15]$|16 bits$|colour/.test(name));

test.each(oneOfEach)('$name: another size than expected is refused', async (item) => {
  const size = { ...sizeOf(item), columns: item.columns + 1 };
  const refused = expect.objectContaining({ code: 'imaging.pixels-contradict-header' });
  await expect(decode(item.codec, fromBase64.uint8(item.stream), size)).rejects.toThrow(refused);
});

describe('damaged streams give an image of the expected size or an ImagingError', () => {
  test.each(oneOfEach)('$name: cut short', async (item) => {
    const stream = fromBase64.uint8(item.stream);
    for (let length = 0; length < stream.length; length += 23) await imageOrImagingError(item, stream.slice(0, length));
  });

  test('any few bytes', async () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.nat(cases.length - 1), damages, async (which, places) => {
        const item = cases[which]!;
        const stream = fromBase64.uint8(item.stream);
        for (const [place, value] of places) stream[place % stream.length] = value;
        await imageOrImagingError(item, stream);
      }),
      { numRuns: 400 },
    );
  });
});

test('a lossless JPEG cut short is refused, wherever the cut', () => {
  const item = cases.find(({ name }) => name === 'lossless, 16 bits, predictor 1')!;
  const stream = fromBase64.uint8(item.stream);
  // The last two bytes are the end marker, which nothing depends on.
  for (let length = 0; length < stream.length - 3; length++) {
    expect(() => decodeJpeg(stream.slice(0, length), sizeOf(item))).toThrow(
      expect.objectContaining({ code: 'imaging.pixels-damaged' }),
    );
  }
});

test('an image of millions of precincts is refused before a decoder sees it', async () => {
  const item = cases.find(({ codec }) => codec === 'openjpeg')!;
  const stream = fromBase64.uint8(item.stream);
  const view = new DataView(stream.buffer);
  const [rows, columns] = [16_384, 16_384];
  // SIZ: image and tile are large; COD: precincts of one pixel.
  for (const at of [8, 24]) view.setUint32(at, columns);
  for (const at of [12, 28]) view.setUint32(at, rows);
  const cod = stream.findIndex((byte, at) => byte === 0xff && stream[at + 1] === 0x52);
  stream[cod + 4]! |= 1;
  stream.fill(0, cod + 14, cod + 24);
  await expect(decode('openjpeg', stream, { rows, columns, samplesPerPixel: 1 })).rejects.toThrow(
    expect.objectContaining({ code: 'imaging.pixels-damaged' }),
  );
});

test('a decoder that cannot be loaded is named', async () => {
  const item = cases.find(({ codec }) => codec === 'openjph')!;
  const lost = new WasmCodec('openjph', () => '/nowhere/at/all.wasm');
  await expect(lost.decode(fromBase64.uint8(item.stream), sizeOf(item))).rejects.toThrow(
    expect.objectContaining({ code: 'imaging.codec-unavailable' }),
  );
});

async function imageOrImagingError(item: Case, stream: Uint8Array): Promise<void> {
  try {
    const { values } = await decode(item.codec, stream, sizeOf(item));
    expect(values.length).toBe(item.rows * item.columns * item.samples);
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
  }
}
