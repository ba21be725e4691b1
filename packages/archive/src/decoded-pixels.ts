/** Compressed pixels as plain ones, for de-identification to make regions of them black. */
import { type DecodedPixels, type DicomFile, ImagingError, PixelDecoder, PixelReader } from '@consilium/imaging';

const colours = { rgb: 'RGB', ybr: 'YBR_FULL' } as const;

/** All frames one after the other, little endian; undefined where the compression is not known. */
export async function decodePixels(file: DicomFile): Promise<DecodedPixels | undefined> {
  let reader: PixelReader;
  try {
    reader = new PixelReader(file, new PixelDecoder());
  } catch (error) {
    if (error instanceof ImagingError && error.code === 'imaging.transfer-syntax-unsupported') return undefined;
    throw error;
  }
  const parts: Uint8Array[] = [];
  let colour: keyof typeof colours | undefined;
  for (let index = 0; index < reader.format.frames; index++) {
    const frame = await reader.frame(index);
    const { buffer, byteOffset, byteLength } = frame.values;
    parts.push(new Uint8Array(buffer, byteOffset, byteLength));
    colour ??= frame.colour;
  }
  const bytes = Buffer.concat(parts);
  return colour === undefined ? { bytes } : { bytes, photometricInterpretation: colours[colour] };
}
