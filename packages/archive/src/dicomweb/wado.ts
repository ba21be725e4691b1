/** WADO-RS (PS3.18 10.4): what a client accepts of instances, frames and values, and the parts of the answer. */
import { type DicomFile, parsePart10 } from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';
import type { InstanceCatalogue, StoredInstance } from '../catalogue-query.ts';
import { frameCountOf, plainFrame, storedFrame } from './frame-bytes.ts';
import { includes, type MediaType } from './media-type.ts';
import type { WrittenPart } from './multipart-writer.ts';
import { plainFile } from './plain-file.ts';
import { explicitLittleEndian, frameTypeOf, isDecoded, isPlain } from './transfer-syntax.ts';

/** How instances go out. */
export interface InstanceForm {
  /** Several parts, or the one file alone. */
  readonly multipart: boolean;
  /** Undefined: explicit little endian where it can be had, else as stored. `*`: as stored. */
  readonly transferSyntax: string | undefined;
}

/** @throws ArchiveError `archive.not-acceptable` */
export function instanceForm(accepted: readonly MediaType[], instances: readonly StoredInstance[]): InstanceForm {
  for (const range of accepted) {
    const isSingle = instances.length === 1 && includes(range, 'application/dicom') && range.name !== '*/*';
    const isMultipart =
      range.name === '*/*' || (isRelated(range) && /^(?:application\/dicom|\*\/\*)?$/.test(typeOf(range)));
    if (!isSingle && !isMultipart) continue;
    const transferSyntax = range.parameters.get('transfer-syntax');
    if (instances.every(({ transferSyntaxUid }) => canBe(transferSyntaxUid, transferSyntax))) {
      return { multipart: !isSingle, transferSyntax };
    }
  }
  throw notAcceptable();
}

export async function* instanceParts(
  catalogue: InstanceCatalogue,
  instances: readonly StoredInstance[],
  options: { form: InstanceForm; urlOf: (instance: StoredInstance) => string },
): AsyncGenerator<WrittenPart> {
  for (const instance of instances) {
    const { bytes, transferSyntaxUid } = await instanceFile(catalogue, instance, options.form);
    const contentType = `application/dicom;transfer-syntax=${transferSyntaxUid}`;
    yield { contentType, location: options.urlOf(instance), bytes };
  }
}

/** @throws ArchiveError `archive.not-convertible`, `archive.instance-damaged`, ImagingError */
export async function instanceFile(
  catalogue: InstanceCatalogue,
  instance: StoredInstance,
  { transferSyntax }: InstanceForm,
): Promise<{ bytes: Uint8Array; transferSyntaxUid: string }> {
  const { transferSyntaxUid } = instance;
  const bytes = await catalogue.readInstance(instance);
  const isWanted = transferSyntax === '*' || transferSyntaxUid === (transferSyntax ?? explicitLittleEndian);
  if (isWanted) return { bytes, transferSyntaxUid };
  try {
    return { bytes: await plainFile(bytes), transferSyntaxUid: explicitLittleEndian };
  } catch (error) {
    // Who did not ask for a transfer syntax takes what there is.
    if (transferSyntax !== undefined) throw error;
    return { bytes, transferSyntaxUid };
  }
}

export interface FrameForm {
  readonly multipart: boolean;
  readonly plain: boolean;
}

/** @throws ArchiveError `archive.not-acceptable` */
export function frameForm(
  accepted: readonly MediaType[],
  options: { transferSyntaxUid: string; frames: number },
): FrameForm {
  const { frames, transferSyntaxUid } = options;
  const storedType = frameTypeOf(transferSyntaxUid);
  for (const range of accepted) {
    const multipart = range.name === '*/*' || isRelated(range);
    if (!multipart && frames !== 1) continue;
    const name = range.name === '*/*' ? '*/*' : multipart ? typeOf(range) || 'application/octet-stream' : range.name;
    const wanted = range.parameters.get('transfer-syntax');
    const isOctets = includes({ name, parameters: range.parameters }, 'application/octet-stream');
    const isStoredWanted = wanted === '*' || wanted === transferSyntaxUid;
    if (isStoredWanted && (isOctets || name === storedType)) return { multipart, plain: isPlain(transferSyntaxUid) };
    if (isOctets && (wanted ?? explicitLittleEndian) === explicitLittleEndian && isDecoded(transferSyntaxUid)) {
      return { multipart, plain: true };
    }
    if (
      wanted === undefined &&
      storedType !== 'application/octet-stream' &&
      includes({ name, parameters: range.parameters }, storedType)
    ) {
      return { multipart, plain: false };
    }
  }
  throw notAcceptable();
}

/** @param numbers from 1. */
export async function* frameParts(
  file: DicomFile,
  numbers: readonly number[],
  { plain }: FrameForm,
): AsyncGenerator<WrittenPart> {
  const contentType = plain
    ? `application/octet-stream;transfer-syntax=${explicitLittleEndian}`
    : `${frameTypeOf(file.transferSyntaxUid)};transfer-syntax=${file.transferSyntaxUid}`;
  for (const number of numbers) {
    const bytes = plain ? await plainFrame(file, number - 1) : storedFrame(file, number - 1);
    yield { contentType, bytes };
  }
}

/** As `1` or `1,3`. @throws ArchiveError `archive.frame-unknown` */
export function frameNumbers(text: string, file: DicomFile): number[] {
  const numbers = text.split(',').map(Number);
  const count = frameCountOf(file);
  if (numbers.every((number) => Number.isInteger(number) && number >= 1 && number <= count)) return numbers;
  throw new ArchiveError('archive.frame-unknown', 'The instance has no such frame.');
}

export async function readFile(catalogue: InstanceCatalogue, instance: StoredInstance): Promise<DicomFile> {
  return parsePart10(await catalogue.readInstance(instance));
}

export function isRelated({ name }: MediaType): boolean {
  return name === 'multipart/related';
}

export function typeOf({ parameters }: MediaType): string {
  return (parameters.get('type') ?? '').toLowerCase();
}

export function notAcceptable(): ArchiveError {
  return new ArchiveError('archive.not-acceptable', 'This cannot be had in any form that the client accepts.');
}

function canBe(stored: string, wanted: string | undefined): boolean {
  if (wanted === undefined || wanted === '*' || wanted === stored) return true;
  return wanted === explicitLittleEndian && isDecoded(stored);
}
