/**
 * Reading and writing safetensors, the file in which weights travel and rest.
 *
 * Layout (https://huggingface.co/docs/safetensors): an unsigned 64-bit little-endian header length, a JSON header
 * `{name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {string: string}}`, then the raw little-endian
 * bytes. The same tensors and metadata always give the same bytes: order is kept, the header is padded with spaces so
 * that the data begins at a multiple of 8.
 */
import { type ArrayOfDType, arrayConstructor, type DType, elementCount, type Tensor } from './tensor.ts';

const nameOfDType = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int8: 'I8',
  int16: 'I16',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  uint16: 'U16',
  bool: 'BOOL',
} as const satisfies Record<DType, string>;
const dtypeOfName = new Map<string, DType>(Object.entries(nameOfDType).map(([dtype, name]) => [name, dtype as DType]));

const headerBytesMax = 100_000_000;

/** The bytes are not a well-formed safetensors file. Its message says what is wrong and holds no tensor value. */
export class SafetensorsError extends Error {
  readonly code = 'numerics.safetensors-malformed';
  override readonly name = 'SafetensorsError';
}

export interface SafetensorsFile {
  /** In the order of their data. The arrays are copies, aligned, independent of the input. */
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor's place in a file. Offsets in bytes from the beginning of the file. */
export interface TensorEntry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Where everything lies in a file, in the order of the data. */
export interface SafetensorsLayout {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the whole file. */
  readonly bytes: number;
}

/** What comes before the data of a file with such tensors. */
export function encodeSafetensorsHeader(
  tensors: Iterable<readonly [string, Pick<Tensor, 'dtype' | 'shape'>]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = Object.create(null); // a tensor may be called __proto__
  if (Object.keys(metadata).length > 0) header['__metadata__'] = metadata;
  let offset = 0;
  for (const [name, { dtype, shape }] of tensors) {
    if (name === '__metadata__') throw new SafetensorsError('a tensor cannot be named __metadata__');
    const end = offset + elementCount(shape) * arrayConstructor[dtype].BYTES_PER_ELEMENT;
    header[name] = { dtype: nameOfDType[dtype], shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8);
  bytes.set(json, 8);
  return bytes;
}

/** The file's bytes. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header = encodeSafetensorsHeader(tensors, metadata);
  const dataBytes = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const bytes = new Uint8Array(header.length + dataBytes);
  bytes.set(header);
  let position = header.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/** Bytes from the beginning of a file that `readSafetensorsLayout` needs; `beginning`: at least 8 bytes. */
export function safetensorsHeaderBytes(beginning: Uint8Array): number {
  if (beginning.length < 8) throw new SafetensorsError('shorter than 8 bytes');
  const declared = new DataView(beginning.buffer, beginning.byteOffset).getBigUint64(0, true);
  if (declared > BigInt(headerBytesMax)) throw new SafetensorsError('the header is longer than the file');
  return 8 + Number(declared);
}

/**
 * The layout of a file of which only the beginning is at hand: `safetensorsHeaderBytes` of it or more.
 * @throws SafetensorsError if a length, an offset, a type or the header does not add up.
 */
export function readSafetensorsLayout(beginning: Uint8Array, fileBytes: number): SafetensorsLayout {
  const { header, dataStart } = readHeader(beginning, fileBytes);
  let metadata: Record<string, string> = {};
  const listed: ({ name: string } & TensorEntry)[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') metadata = parseMetadata(entry);
    else listed.push({ name, ...parseEntry(name, entry) });
  }
  // JavaScript lists keys that look like whole numbers first, whatever their place in the file.
  listed.sort((one, other) => one.begin - other.begin || one.end - other.end);
  const entries = new Map<string, TensorEntry>();
  let expected = 0;
  for (const { name, dtype, shape, begin, end } of listed) {
    if (begin !== expected) throw new SafetensorsError(`tensor ${name}: its data does not follow the one before`);
    if (end - begin !== elementCount(shape) * arrayConstructor[dtype].BYTES_PER_ELEMENT) {
      throw new SafetensorsError(`tensor ${name}: shape and length disagree`);
    }
    if (dataStart + end > fileBytes) throw new SafetensorsError(`tensor ${name}: the file ends before its data`);
    expected = end;
    entries.set(name, { dtype, shape, begin: dataStart + begin, end: dataStart + end });
  }
  if (dataStart + expected !== fileBytes) throw new SafetensorsError('bytes are left over after the last tensor');
  return { entries, metadata, bytes: fileBytes };
}

/** @throws SafetensorsError if a length, an offset, a type or the header does not add up. */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { entries, metadata } = readSafetensorsLayout(bytes, bytes.length);
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, begin, end }] of entries) {
    const copy = new Uint8Array(bytes.subarray(begin, end)); // Buffer.slice would share memory
    tensors.set(name, { dtype, shape, data: new arrayConstructor[dtype](copy.buffer) as ArrayOfDType[DType] });
  }
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array, fileBytes: number): { header: Record<string, unknown>; dataStart: number } {
  const dataStart = safetensorsHeaderBytes(bytes);
  if (dataStart > Math.min(fileBytes, bytes.length)) throw new SafetensorsError('the header is longer than the file');
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, dataStart)));
  } catch {
    throw new SafetensorsError('the header is not JSON');
  }
  if (!isRecord(header)) throw new SafetensorsError('the header is not a JSON object');
  return { header, dataStart };
}

function parseMetadata(entry: unknown): Record<string, string> {
  if (!isRecord(entry)) throw new SafetensorsError('__metadata__ is not an object');
  for (const value of Object.values(entry)) {
    if (typeof value !== 'string') throw new SafetensorsError('__metadata__ holds something other than strings');
  }
  return entry as Record<string, string>;
}

function parseEntry(name: string, entry: unknown): { dtype: DType; shape: number[]; begin: number; end: number } {
  if (!isRecord(entry)) throw new SafetensorsError(`tensor ${name}: its entry is not an object`);
  const dtype = dtypeOfName.get(String(entry['dtype']));
  if (dtype === undefined) throw new SafetensorsError(`tensor ${name}: unknown dtype ${String(entry['dtype'])}`);
  const shape = entry['shape'];
  const offsets = entry['data_offsets'];
  const counts = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
  if (!counts(shape)) throw new SafetensorsError(`tensor ${name}: malformed shape`);
  if (!counts(offsets) || offsets.length !== 2) throw new SafetensorsError(`tensor ${name}: malformed data_offsets`);
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw new SafetensorsError(`tensor ${name}: malformed data_offsets`);
  return { dtype, shape, begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
