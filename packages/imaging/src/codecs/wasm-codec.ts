/**
 * OpenJPEG (JPEG 2000) and OpenJPH (HTJ2K) in WebAssembly, each loaded when its first image comes. The
 * header is checked beforehand; whatever happens in the module is an ImagingError, and the module is thrown away after it.
 */
import { ImagingError } from '../imaging-error.ts';
import { type CodedImage, type CodedSize, checkCodedSize } from './coded-image.ts';
import { jpeg2000Header, type StreamHeader } from './codestream.ts';

export type WasmCodecName = 'openjpeg' | 'openjph';

interface WasmDecoder {
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): { width: number; height: number; bitsPerSample: number; componentCount: number; isSigned?: boolean };
  delete(): void;
}

interface WasmModule {
  readonly HEAPU8: Uint8Array;
  readonly J2KDecoder?: new () => WasmDecoder;
  readonly HTJ2KDecoder?: new () => WasmDecoder;
}

interface WasmModuleOptions {
  /** Address of a `.wasm` file by its name, for browsers whose pages are elsewhere. */
  readonly locateFile?: (file: string) => string;
  readonly print: () => void;
  readonly printErr: () => void;
}

/** A module whose memory has grown beyond is thrown away after the image, since it cannot shrink. */
const keptHeapBytesMax = 2 ** 28;

export class WasmCodec {
  private readonly name: WasmCodecName;
  private readonly locateFile: ((file: string) => string) | undefined;
  private module: WasmModule | undefined;

  constructor(name: WasmCodecName, locateFile: ((file: string) => string) | undefined) {
    this.name = name;
    this.locateFile = locateFile;
  }

  /**
   * @throws ImagingError `imaging.pixels-damaged`, `imaging.pixels-contradict-header`, `imaging.codec-unavailable`
   */
  async decode(bytes: Uint8Array, expected: CodedSize): Promise<CodedImage> {
    const header = jpeg2000Header(bytes);
    checkCodedSize(header, expected);
    if (header.bits < 1 || header.bits > 16) throw damaged();
    const module = await this.loaded();
    try {
      const image = decodeIn(module, bytes, header);
      if (module.HEAPU8.length > keptHeapBytesMax) this.module = undefined;
      return image;
    } catch (error) {
      if (error instanceof ImagingError) throw error;
      this.module = undefined;
      throw damaged(error);
    }
  }

  private async loaded(): Promise<WasmModule> {
    if (this.module !== undefined) return this.module;
    const silent = (): void => {};
    try {
      const create = await loaders[this.name]();
      const options: WasmModuleOptions = {
        print: silent,
        printErr: silent,
        ...(this.locateFile && { locateFile: this.locateFile }),
      };
      this.module = (await create(options)) as WasmModule;
      return this.module;
    } catch (cause) {
      throw new ImagingError('imaging.codec-unavailable', 'a decoder for compressed pixels could not be loaded', {
        cause,
      });
    }
  }
}

const loaders: Readonly<Record<WasmCodecName, () => Promise<(options: object) => Promise<unknown>>>> = {
  openjpeg: async () => (await import('@cornerstonejs/codec-openjpeg/decodewasmjs')).default,
  openjph: async () => (await import('@cornerstonejs/codec-openjph/wasmjs')).default,
};

function decodeIn(module: WasmModule, bytes: Uint8Array, header: StreamHeader): CodedImage {
  const Decoder = module.J2KDecoder ?? module.HTJ2KDecoder!;
  const decoder = new Decoder();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const info = decoder.getFrameInfo();
    const { rows, columns, samplesPerPixel } = header;
    const isSame = info.width === columns && info.height === rows && info.componentCount === samplesPerPixel;
    const count = rows * columns * samplesPerPixel;
    const wide = info.bitsPerSample > 8;
    const decoded = decoder.getDecodedBuffer();
    if (!isSame || decoded.length < count * (wide ? 2 : 1)) throw damaged();
    // Whatever kind of bytes the module gives.
    const copy = new Uint8Array(count * (wide ? 2 : 1));
    copy.set(decoded.subarray(0, copy.length));
    const values = typed(copy, { wide, signed: info.isSigned === true });
    return {
      rows,
      columns,
      samplesPerPixel,
      bits: info.bitsPerSample,
      values,
      colour: undefined,
    };
  } finally {
    decoder.delete();
  }
}

function typed(
  bytes: Uint8Array<ArrayBuffer>,
  { wide, signed }: { wide: boolean; signed: boolean },
): CodedImage['values'] {
  if (wide) return signed ? new Int16Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  return signed ? new Int8Array(bytes.buffer) : bytes;
}

function damaged(cause?: unknown): ImagingError {
  return new ImagingError('imaging.pixels-damaged', 'the compressed pixels are cut short or damaged', { cause });
}
