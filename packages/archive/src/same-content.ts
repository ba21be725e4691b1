/**
 * Whether two files are the same instance in different transfer syntaxes: every attribute but those that say how pixels are
 * stored has the same value, and so has every pixel. PACS send an instance compressed today and plain tomorrow.
 */
import { Dataset, encodeDataset, ImagingError, PixelDecoder, PixelReader, parsePart10 } from '@consilium/imaging';

/** Pixel Data of any kind, and the tables of where its frames begin (PS3.3 C.7.6.3.1.8). */
const pixelGroup = 0x7fe0;
const plain = { littleEndian: true, explicit: true } as const;

/** @param a and `b`: DICOM files (PS3.10). Where either cannot be read they are not the same. */
export async function isSameContent(a: Uint8Array, b: Uint8Array): Promise<boolean> {
  try {
    const [one, other] = [parsePart10(a), parsePart10(b)];
    if (!isEqual(headerOf(one.data), headerOf(other.data))) return false;
    const hasPixels = [one, other].map(({ data }) => data.elements.some(({ tag }) => groupOf(tag) === pixelGroup));
    if (hasPixels[0] !== hasPixels[1]) return false;
    return !hasPixels[0] || (await hasSamePixels(one, other));
  } catch (error) {
    if (error instanceof ImagingError) return false;
    throw error;
  }
}

type File = ReturnType<typeof parsePart10>;

async function hasSamePixels(one: File, other: File): Promise<boolean> {
  const decoder = new PixelDecoder();
  const [first, second] = [new PixelReader(one, decoder), new PixelReader(other, decoder)];
  for (let index = 0; index < first.format.frames; index++) {
    const [a, b] = [(await first.frame(index)).values, (await second.frame(index)).values];
    if (!isEqual(bytesOf(a), bytesOf(b))) return false;
  }
  return true;
}

function headerOf(data: Dataset): Uint8Array {
  const elements = data.elements.filter(({ tag }) => groupOf(tag) !== pixelGroup);
  const { littleEndian, explicit } = data;
  return encodeDataset(new Dataset(elements, { littleEndian, explicit }), plain);
}

function groupOf(tag: number): number {
  return Math.floor(tag / 65_536);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
