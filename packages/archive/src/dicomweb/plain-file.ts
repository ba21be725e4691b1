/** A stored instance as a file in explicit little endian, its pixels decoded (PS3.18 8.7.3.5.2). */
import { type DataElement, Dataset, type DicomFile, datasetOf, formatPart10, parsePart10 } from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';
import { frameCountOf, plainFrame } from './frame-bytes.ts';
import { explicitLittleEndian, isPlain } from './transfer-syntax.ts';

/** @throws ArchiveError `archive.not-convertible`, ImagingError */
export async function plainFile(bytes: Uint8Array): Promise<Uint8Array> {
  const file = parsePart10(bytes);
  const meta = replaced(file.meta ?? new Dataset([]), datasetOf({ TransferSyntaxUID: explicitLittleEndian }).elements);
  const data = isPlain(file.transferSyntaxUid) ? file.data : await decoded(file);
  return formatPart10({ data, meta, transferSyntaxUid: explicitLittleEndian, preamble: new Uint8Array(128) });
}

async function decoded(file: DicomFile): Promise<Dataset> {
  // Colour would have to be converted with its Photometric Interpretation.
  if ((file.data.number('SamplesPerPixel') ?? 1) !== 1) {
    throw new ArchiveError('archive.not-convertible', 'The instance cannot be given out in this transfer syntax.');
  }
  const frames: Uint8Array[] = [];
  for (let index = 0; index < frameCountOf(file); index++) frames.push(await plainFrame(file, index));
  return replaced(file.data, datasetOf({ PixelData: Buffer.concat(frames) }).elements);
}

function replaced(data: Dataset, elements: readonly DataElement[]): Dataset {
  const tags = new Set(elements.map(({ tag }) => tag));
  const kept = data.elements.filter(({ tag }) => !tags.has(tag));
  const all = [...kept, ...elements].sort((a, b) => a.tag - b.tag);
  return new Dataset(all, { littleEndian: data.littleEndian, explicit: data.explicit });
}
