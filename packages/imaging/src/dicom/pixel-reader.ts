/** The stored pixels of a DICOM file, frame by frame, whatever transfer syntax they are in. */
import { Inflate } from 'fflate';
import type { CodedImage } from '../codecs/coded-image.ts';
import { decodeJpeg } from '../codecs/jpeg.ts';
import { decodeJpegLs } from '../codecs/jpeg-ls.ts';
import { decodeRle } from '../codecs/rle.ts';
import { WasmCodec, type WasmCodecName } from '../codecs/wasm-codec.ts';
import { ImagingError } from '../imaging-error.ts';
import type { DicomFile } from './part10.ts';
import { type PixelFormat, pixelFormatOf } from './pixel-format.ts';
import {
  clean,
  full422,
  interleavedBytes,
  type StoredValues,
  storedValues,
  swapped,
  unpackedBits,
} from './stored-values.ts';
import { type PixelCoding, pixelCodingOf } from './transfer-syntax.ts';

export interface PixelDecoderOptions {
  /** Address of a decoder's `.wasm` file by its name: for browsers, where it is beside no script. */
  readonly locateWasm?: (file: string) => string;
}

export interface StoredFrame {
  /** `[row, column, sample]`: sign extended, without the bits around the stored ones. */
  readonly values: StoredValues;
  /** What a JPEG stream itself says of its three samples; undefined: Photometric Interpretation holds. */
  readonly colour: 'ybr' | 'rgb' | undefined;
}

/** Decodes frames; holds the WebAssembly decoders that were needed so far. */
export class PixelDecoder {
  private readonly locateWasm: PixelDecoderOptions['locateWasm'];
  private readonly codecs = new Map<WasmCodecName, WasmCodec>();

  constructor(options: PixelDecoderOptions = {}) {
    this.locateWasm = options.locateWasm;
  }

  async decode(
    coding: Exclude<PixelCoding, 'native'>,
    bytes: Uint8Array,
    format: PixelFormat,
  ): Promise<CodedImage | Uint8Array> {
    switch (coding) {
      case 'rle':
        return unpackedRle(bytes, format);
      case 'deflated-frames':
        return inflated(bytes, frameBytes(format));
      case 'jpeg':
        return decodeJpeg(bytes, format);
      case 'jpeg-ls':
        return decodeJpegLs(bytes, format);
      default:
        return this.codec(coding).decode(bytes, format);
    }
  }

  private codec(name: WasmCodecName): WasmCodec {
    const codec = this.codecs.get(name) ?? new WasmCodec(name, this.locateWasm);
    this.codecs.set(name, codec);
    return codec;
  }
}

/** The frames of one file. */
export class PixelReader {
  readonly format: PixelFormat;
  private readonly file: DicomFile;
  private readonly coding: PixelCoding;
  private readonly decoder: PixelDecoder;
  private fragments: readonly (readonly Uint8Array[])[] | undefined;

  /** @throws ImagingError `imaging.transfer-syntax-unsupported`, `imaging.dicom-pixels-*`, `imaging.dicom-attribute-*` */
  constructor(file: DicomFile, decoder: PixelDecoder) {
    this.file = file;
    this.coding = pixelCodingOf(file.transferSyntaxUid);
    this.format = pixelFormatOf(file.data);
    this.decoder = decoder;
  }

  /**
   * @param index from 0.
   * @throws ImagingError `imaging.dicom-pixels-truncated`, `imaging.pixels-*`, `imaging.codec-unavailable`
   */
  async frame(index: number): Promise<StoredFrame> {
    const { format, file } = this;
    this.fragments ??= file.data.encapsulatedFrames(format.frames);
    if (this.fragments === undefined) {
      if (this.coding !== 'native') throw truncated();
      return { values: this.nativeFrame(index), colour: undefined };
    }
    const bytes = joined(this.fragments[index]!);
    if (this.coding === 'native') return { values: valuesOf(bytes, format), colour: undefined };
    const image = await this.decoder.decode(this.coding, bytes, format);
    return image instanceof Uint8Array
      ? { values: valuesOf(image, format), colour: undefined }
      : { values: codedValues(image, format), colour: image.colour };
  }

  private nativeFrame(index: number): StoredValues {
    const { format, file } = this;
    const bytes = file.data.bytes(format.element);
    if (bytes === undefined) throw truncated();
    const bitsOfFrame = frameBits(format);
    if (bytes.length * 8 < bitsOfFrame * (index + 1)) throw truncated();
    if (format.bitsAllocated === 1) {
      const plain = file.data.littleEndian ? bytes : this.littleEndian(bytes);
      return unpackedBits(plain, index * bitsOfFrame, bitsOfFrame);
    }
    const size = bitsOfFrame / 8;
    const start = index * size;
    // A swap of words may need the byte after an odd frame.
    const own = file.data.littleEndian
      ? bytes.subarray(start, start + size)
      : this.littleEndian(bytes.subarray(start - (start % 2), start + size + ((start + size) % 2))).subarray(
          start % 2,
          (start % 2) + size,
        );
    return valuesOf(own, format);
  }

  /** Big endian to little: by the width of the samples, or of words where bytes are stored as such (OW). */
  private littleEndian(bytes: Uint8Array): Uint8Array {
    const { format, file } = this;
    const words = file.data.element(format.element)?.vr === 'OW' ? 2 : 1;
    const width = Math.max(words, format.bitsAllocated / 8);
    return width <= 1 ? bytes : swapped(bytes, width);
  }
}

function frameBits({ rows, columns, samplesPerPixel, bitsAllocated, photometric }: PixelFormat): number {
  const samples = photometric === 'YBR_FULL_422' && columns % 2 === 0 && bitsAllocated === 8 ? 2 : samplesPerPixel;
  return rows * columns * samples * bitsAllocated;
}

function frameBytes(format: PixelFormat): number {
  return Math.ceil(frameBits(format) / 8);
}

/** One frame's bytes, little endian, to numbers; bits from the first on. */
function valuesOf(bytes: Uint8Array, format: PixelFormat): StoredValues {
  const { rows, columns, samplesPerPixel, bitsAllocated, planar, photometric } = format;
  if (bytes.length < frameBytes(format)) throw truncated();
  if (bitsAllocated === 1) return unpackedBits(bytes, 0, rows * columns);
  const own = bytes.subarray(0, frameBytes(format));
  if (samplesPerPixel === 1) return storedValues(own, format);
  if (photometric === 'YBR_FULL_422' && own.length === rows * columns * 2) return full422(own, format);
  if (!planar) return storedValues(own, format);
  return storedValues(interleavedBytes(own, { samples: samplesPerPixel, width: bitsAllocated / 8 }), format);
}

/** A codec's values as the header wants them: its sign, its width. */
function codedValues(image: CodedImage, format: PixelFormat): StoredValues {
  const { bitsAllocated, signed } = format;
  if (bitsAllocated === 1) return image.values;
  if (bitsAllocated > 16 || (image.bits > bitsAllocated && bitsAllocated < 16)) {
    throw new ImagingError('imaging.pixels-contradict-header', 'the compressed pixels are wider than the header says');
  }
  const type = bitsAllocated === 8 ? (signed ? Int8Array : Uint8Array) : signed ? Int16Array : Uint16Array;
  const values = image.values instanceof type ? image.values : type.from(image.values);
  return clean(values, format);
}

function unpackedRle(bytes: Uint8Array, format: PixelFormat): Uint8Array {
  const { samplesPerPixel: samples, bitsAllocated } = format;
  const width = Math.max(1, bitsAllocated / 8);
  const planes = decodeRle(bytes, {
    planeBytes: frameBytes(format) / (samples * width),
    planes: samples * width,
    width,
  });
  // RLE holds sample after sample whatever Planar Configuration says (PS3.5 G.2); `valuesOf` expects what it says.
  if (samples === 1 || format.planar) return planes;
  return interleavedBytes(planes, { samples, width });
}

function inflated(bytes: Uint8Array, wanted: number): Uint8Array {
  const result = new Uint8Array(wanted);
  let total = 0;
  const stream = new Inflate((chunk) => {
    if (total < wanted) result.set(chunk.subarray(0, wanted - total), total);
    total += chunk.length;
    // One byte may follow to make the length even.
    if (total > wanted + 1) throw damaged();
  });
  try {
    const pushBytes = 65_536;
    for (let at = 0; at < bytes.length && total < wanted; at += pushBytes) {
      stream.push(bytes.subarray(at, at + pushBytes), at + pushBytes >= bytes.length);
    }
  } catch {
    throw damaged();
  }
  if (total < wanted) throw truncated();
  return result;
}

function joined(fragments: readonly Uint8Array[]): Uint8Array {
  if (fragments.length === 1) return fragments[0]!;
  const result = new Uint8Array(fragments.reduce((sum, fragment) => sum + fragment.length, 0));
  let at = 0;
  for (const fragment of fragments) {
    result.set(fragment, at);
    at += fragment.length;
  }
  return result;
}

function truncated(): ImagingError {
  return new ImagingError('imaging.dicom-pixels-truncated', 'the file holds fewer pixels than its header says');
}

function damaged(): ImagingError {
  return new ImagingError('imaging.pixels-damaged', 'the compressed pixels are cut short or damaged');
}
