import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ImagingError } from '../imaging-error.ts';
import { recorded } from '../recorded-array.ts';
import { parsePart10 } from './part10.ts';
import { PixelDecoder, PixelReader } from './pixel-reader.ts';

interface Recorded {
  near: { file: string; step: number; values: number[] };
  cases: { file: string; syntax: string; frames: number; digests: Record<string, string[]> }[];
}
const record = recorded<Recorded>('pixels.json');
const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
const skipped = existsSync(`${root}/dicom`) ? false : 'no real data: set CONSILIUM_TEST_DATA to try real pixels';
if (skipped) console.info(skipped);
const decoder = new PixelDecoder();

async function digestOf(file: string): Promise<string> {
  const reader = new PixelReader(parsePart10(readFileSync(`${root}/${file}`)), decoder);
  const hash = createHash('sha256');
  for (let index = 0; index < reader.format.frames; index++) {
    const { values } = await reader.frame(index);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex').slice(0, 32);
}

describe.skipIf(skipped)('the pixels of real files', () => {
  const decodable = record.cases.filter(({ file, digests }) => {
    return Object.keys(digests).length > 0 && file !== record.near.file;
  });
  const syntaxes = Map.groupBy(decodable, ({ syntax }) => syntax);

  test.each([...syntaxes.keys()])('in transfer syntax %s are those that other decoders find', async (syntax) => {
    const wrong: string[] = [];
    for (const { file, digests } of syntaxes.get(syntax)!) {
      const ours = await digestOf(file).catch((error: ImagingError) => error.code);
      if (!(ours in digests)) wrong.push(`${file}: ${ours}`);
    }
    expect(wrong).toEqual([]);
  });

  test('that were compressed by a filter in floating point are off by one at most', async () => {
    const { file, step, values } = record.near;
    const reader = new PixelReader(parsePart10(readFileSync(`${root}/${file}`)), decoder);
    const ours = (await reader.frame(0)).values.filter((_, at) => at % step === 0);
    expect(ours.length).toBe(values.length);
    expect(Math.max(...values.map((value, index) => Math.abs(value - ours[index]!)))).toBeLessThanOrEqual(1);
  });

  test('are refused by name where no other decoder finds any, or are those of the same image stored otherwise', async () => {
    const others = record.cases.filter(({ digests }) => Object.keys(digests).length === 0);
    const found: Record<string, string> = {};
    for (const { file } of others) {
      found[file.slice(file.lastIndexOf('/') + 1)] = await digestOf(file).catch((error: unknown) => {
        if (!(error instanceof ImagingError)) throw error;
        return error.code;
      });
    }
    const bits = await digestOf('dicom/seg/dcmqi/segmentations/liver.dcm');
    const oddBits = await digestOf('dicom/pydicom/data_store/liver_nonbyte_aligned.dcm');
    expect(found).toEqual({
      // One bit in RLE: pydicom's plugins expect bytes.
      'liver_rle.dcm': bits,
      'liver_nonbyte_aligned_rle.dcm': oddBits,
      'JPEG2000-embedded-sequence-delimiter.dcm': 'imaging.pixels-damaged',
      'MR_truncated.dcm': 'imaging.dicom-damaged',
    });
  });
});
