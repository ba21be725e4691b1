import { existsSync, readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { ImagingError } from '../imaging-error.ts';
import { recorded } from '../recorded-array.ts';
import { inMemory } from './instance-source.ts';
import { parsePart10 } from './part10.ts';
import { PixelDecoder, PixelReader } from './pixel-reader.ts';
import { readDicomSegmentation } from './read-segmentation.ts';
import { loadVolume, readVolumes } from './read-volumes.ts';

const { cases } = recorded<{ cases: { file: string; syntax: string }[] }>('pixels.json');
const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
const skipped = existsSync(`${root}/dicom`) ? false : 'no real data: set CONSILIUM_TEST_DATA to damage real files';
if (skipped) console.info(skipped);
const fileBytesMax = 200_000;
const runs = Number(process.env['CONSILIUM_DAMAGE_RUNS'] ?? 120);

describe.skipIf(skipped)('a damaged real file', () => {
  const decoder = new PixelDecoder();
  const files = skipped ? [] : cases.filter(({ file }) => statSync(`${root}/${file}`).size < fileBytesMax);

  const cut = fc.record({ kind: fc.constant('cut' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) });
  const flip = fc.record({
    kind: fc.constant('flip' as const),
    places: fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7)), {
      minLength: 1,
      maxLength: 20,
    }),
    /** Whether in the first kilobytes only, where lengths and sizes are. */
    inHead: fc.boolean(),
  });
  /** Four bytes that are a length, a count or a size become as large as can be. */
  const swell = fc.record({
    kind: fc.constant('swell' as const),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    value: fc.constantFrom(0xffff_ffff, 0xffff_fffe, 0x7fff_ffff, 0x8000_0000, 0x0000_ffff),
  });
  const damage = fc.oneof(cut, flip, swell);
  type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

  test('is read, or refused by an ImagingError, by everything that reads it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(files.length - 1), damage, async (which, how) => {
        const bytes = damaged(readFileSync(`${root}/${files[which]!.file}`), how);
        await orImagingError(async () => {
          const reader = new PixelReader(parsePart10(bytes), decoder);
          for (let index = 0; index < Math.min(reader.format.frames, 3); index++) await reader.frame(index);
        });
        const sources = [inMemory(bytes)];
        const { volumes } = await readVolumes(sources, { decoder });
        for (const volume of volumes) await orImagingError(() => loadVolume(volume, sources, { decoder }));
        await orImagingError(() => readDicomSegmentation(bytes, undefined, { decoder }));
      }),
      { numRuns: runs },
    );
  });

  function damaged(original: Uint8Array, how: Damage): Uint8Array {
    const bytes = Uint8Array.from(original);
    if (how.kind === 'cut') return bytes.slice(0, Math.floor(how.share * bytes.length));
    if (how.kind === 'swell') {
      const place = Math.floor(how.place * Math.max(1, Math.min(bytes.length, 4096) - 4));
      new DataView(bytes.buffer).setUint32(place, how.value, true);
      return bytes;
    }
    const length = how.inHead ? Math.min(4096, bytes.length) : bytes.length;
    for (const [place, bit] of how.places) bytes[Math.floor(place * length)]! ^= 1 << bit;
    return bytes;
  }
});

async function orImagingError(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
  }
}
