/** Frames of a stored instance: as they are stored, or as plain pixels. */
import { type DicomFile, PixelDecoder, PixelReader, type StoredFrame, valueBytes } from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';
import { littleEndianBytes } from './dicom-json.ts';
import { isPlain } from './transfer-syntax.ts';

/** Its WebAssembly decoders are loaded once. */
const decoder = new PixelDecoder();

export function frameCountOf({ data }: DicomFile): number {
  return data.number('NumberOfFrames') ?? 1;
}

/** @param index from 0. @throws ArchiveError `archive.frame-unknown`, ImagingError */
export async function decodedFrame(file: DicomFile, index: number): Promise<StoredFrame & Pick<PixelReader, 'format'>> {
  checkIndex(file, index);
  const reader = new PixelReader(file, decoder);
  return { ...(await reader.frame(index)), format: reader.format };
}

/** Little endian, samples of a pixel together. @param index from 0. @throws ArchiveError `archive.frame-unknown`, ImagingError */
export async function plainFrame(file: DicomFile, index: number): Promise<Uint8Array> {
  checkIndex(file, index);
  const native = isPlain(file.transferSyntaxUid) ? nativeFrame(file, index) : undefined;
  if (native !== undefined) return native;
  const { values } = await decodedFrame(file, index);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** @param index from 0. @throws ArchiveError `archive.frame-unknown`, ImagingError */
export function storedFrame(file: DicomFile, index: number): Uint8Array {
  checkIndex(file, index);
  const fragments = file.data.encapsulatedFrames(frameCountOf(file))?.[index];
  if (fragments !== undefined) return fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments);
  return nativeFrame(file, index) ?? new Uint8Array(0);
}

/** Undefined where frames do not begin on a byte. */
function nativeFrame({ data }: DicomFile, index: number): Uint8Array | undefined {
  const element = data.element('PixelData');
  if (element === undefined) return undefined;
  const [rows, columns] = [data.number('Rows') ?? 0, data.number('Columns') ?? 0];
  const bits = rows * columns * (data.number('SamplesPerPixel') ?? 1) * (data.number('BitsAllocated') ?? 8);
  if (bits % 8 !== 0) return undefined;
  const bytes = data.littleEndian ? valueBytes(element) : littleEndianBytes(data, element);
  return bytes.subarray((index * bits) / 8, ((index + 1) * bits) / 8);
}

function checkIndex(file: DicomFile, index: number): void {
  const hasPixels = ['PixelData', 'FloatPixelData', 'DoubleFloatPixelData'].some(
    (keyword) => file.data.element(keyword as 'PixelData') !== undefined,
  );
  if (hasPixels && index >= 0 && index < frameCountOf(file)) return;
  throw new ArchiveError('archive.frame-unknown', 'The instance has no such frame.');
}
