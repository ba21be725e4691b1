/**
 * Any instances - of a series, of a study, of a folder - to the volumes in them. Nothing is left out without a reason, and a
 * volume that would show organs in the wrong place is none.
 *
 * Headers come first, from the beginning of each file; pixels are read, decoded and written slice by slice when a volume is
 * loaded. So the memory taken is the volume's and a few files', however many there are.
 */
import { voxelCount } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { Geometry, Image } from '../volume.ts';
import { type InstanceHeader, instanceHeaderOf } from './instance-header.ts';
import { type InstanceSource, readHeader } from './instance-source.ts';
import { voxelTypeOf, writeModalityValues } from './modality-values.ts';
import { parsePart10 } from './part10.ts';
import { PixelDecoder, PixelReader } from './pixel-reader.ts';
import type { SeriesInfo } from './series-info.ts';
import { type NoVolumeReason, type SeriesFinding, splitAttributes } from './stack-finding.ts';
import { type StackGeometry, stackGeometry } from './stack-geometry.ts';
import { isSamePlane, type PlacedFrame, reasonAgainst, type Stack, stacksOf } from './stacks.ts';
import { clean, type StoredValues } from './stored-values.ts';

export interface DicomVolume {
  readonly series: SeriesInfo;
  readonly geometry: Geometry;
  /** Of the headers; loading may add some. */
  readonly findings: readonly SeriesFinding[];
  /** For each slice along z: index of its source, and frame in it. */
  readonly slices: readonly { readonly source: number; readonly frame: number }[];
}

export interface NoVolume {
  readonly reason: NoVolumeReason;
  /** Indices of the sources; of an enhanced image some frames of it. */
  readonly sources: readonly number[];
  readonly series: Pick<SeriesInfo, 'instanceUid' | 'modality'> | undefined;
}

export interface DicomVolumes {
  readonly volumes: readonly DicomVolume[];
  readonly others: readonly NoVolume[];
}

export interface LoadedVolume {
  readonly image: Image;
  readonly series: SeriesInfo;
  readonly findings: readonly SeriesFinding[];
}

export interface ReadVolumesOptions {
  readonly decoder?: PixelDecoder;
  readonly signal?: AbortSignal;
}

/** Files that are read ahead of the one being decoded. */
const readAhead = 4;
/** 8 GiB of 32-bit voxels; more than any scanner makes. */
const voxelsMax = 2 ** 31;
const sharedDecoder = new PixelDecoder();

/** What is known of a volume besides what the world sees of it. */
const framesOfVolume = new WeakMap<DicomVolume, readonly PlacedFrame[]>();

/** Reads headers (and, where two slices lie in one place, their pixels); what cannot be read is among `others`. */
export async function readVolumes(
  sources: readonly InstanceSource[],
  options: ReadVolumesOptions = {},
): Promise<DicomVolumes> {
  const others: NoVolume[] = [];
  const placed: PlacedFrame[] = [];
  for await (const { source, header } of headersOf(sources, options)) {
    const reason =
      header instanceof ImagingError ? ({ kind: 'unreadable', error: header } as const) : reasonAgainst(header);
    if (reason !== undefined) {
      others.push({ reason, sources: [source], series: header instanceof ImagingError ? undefined : seriesOf(header) });
      continue;
    }
    const { format, frames } = header as InstanceHeader;
    for (const frame of frames) {
      placed.push({ source, instance: header as InstanceHeader, format: format!, frame, place: frame.place! });
    }
  }
  const volumes: DicomVolume[] = [];
  for (const stack of stacksOf(placed)) {
    const distinct = stack.repeats === 0 ? stack : await withoutEqualSlices(stack, sources, options);
    for (const result of distinct === undefined ? [repeating(stack)] : volumesOf(distinct)) {
      if ('reason' in result) others.push(result);
      else volumes.push(result);
    }
  }
  return { volumes, others: grouped(others) };
}

/**
 * The voxels of a volume that `readVolumes` found, from the same sources.
 * @throws ImagingError `imaging.dicom-*`, `imaging.pixels-*`, `imaging.codec-unavailable`
 */
export async function loadVolume(
  volume: DicomVolume,
  sources: readonly InstanceSource[],
  options: ReadVolumesOptions = {},
): Promise<LoadedVolume> {
  const frames = framesOfVolume.get(volume)!;
  const { geometry, series } = volume;
  const isCt = series.modality === 'CT';
  const whole = frames.every(({ format, frame }) => voxelTypeOf(format, frame.transform, isCt) === 'int16');
  const count = voxelCount(geometry);
  const voxels = whole ? new Int16Array(count) : new Float32Array(count);
  const pixels = geometry.size[1] * geometry.size[2];
  const slice = (z: number) => voxels.subarray(z * pixels, (z + 1) * pixels);
  let replaced = 0;
  const rest: number[] = [];
  for (const [z, placed] of frames.entries()) {
    options.signal?.throwIfAborted();
    const stored =
      voxels instanceof Int16Array ? await readInPlace(placed, sources, slice(z) as Int16Array) : undefined;
    if (stored === undefined) rest.push(z);
    else replaced += writeModalityValues(stored, placed.instance, placed.frame.transform, slice(z));
  }
  let next = 0;
  for await (const { values, placed } of decodedFrames(
    rest.map((z) => frames[z]!),
    sources,
    options,
  )) {
    replaced += writeModalityValues(values, placed.instance, placed.frame.transform, slice(rest[next++]!));
  }
  const findings: readonly SeriesFinding[] =
    replaced > 0 ? [...volume.findings, { kind: 'padding-replaced', voxels: replaced }] : volume.findings;
  return { image: { geometry, voxels }, series, findings };
}

/**
 * Stored values straight from the source into the memory of their slice, where they are turned into what they measure;
 * undefined where they have to be decoded, or the source cannot.
 */
async function readInPlace(
  { source, instance, format, frame }: PlacedFrame,
  sources: readonly InstanceSource[],
  out: Int16Array,
): Promise<StoredValues | undefined> {
  const from = sources[source]!;
  if (instance.nativeStart === undefined || from.readInto === undefined || format.bitsAllocated !== 16)
    return undefined;
  const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  const count = await from.readInto(bytes, instance.nativeStart + frame.index * bytes.length);
  if (count < bytes.length) {
    throw new ImagingError('imaging.dicom-pixels-truncated', 'the file holds fewer pixels than its header says');
  }
  return clean(format.signed ? out : new Uint16Array(out.buffer, out.byteOffset, out.length), format);
}

async function* headersOf(
  sources: readonly InstanceSource[],
  { signal }: ReadVolumesOptions,
): AsyncGenerator<{ source: number; header: InstanceHeader | ImagingError }> {
  const read = async (index: number): Promise<InstanceHeader | ImagingError> => {
    try {
      return instanceHeaderOf(await readHeader(sources[index]!));
    } catch (error) {
      if (error instanceof ImagingError) return error;
      throw error;
    }
  };
  for await (const [source, header] of inTurn(sources.length, read, signal)) yield { source, header };
}

/** Each file once for the frames of it that follow each other. */
async function* decodedFrames(
  frames: readonly PlacedFrame[],
  sources: readonly InstanceSource[],
  { decoder = sharedDecoder, signal }: ReadVolumesOptions,
): AsyncGenerator<{ values: Awaited<ReturnType<PixelReader['frame']>>['values']; placed: PlacedFrame }> {
  const runs: PlacedFrame[][] = [];
  for (const placed of frames) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]!.source === placed.source) run.push(placed);
    else runs.push([placed]);
  }
  const read = async (index: number): Promise<Uint8Array> => sources[runs[index]![0]!.source]!.read();
  for await (const [index, bytes] of inTurn(runs.length, read, signal)) {
    const reader = new PixelReader(parsePart10(bytes), decoder);
    for (const placed of runs[index]!) {
      checkUnchanged(reader, placed);
      yield { values: (await reader.frame(placed.frame.index)).values, placed };
    }
  }
}

/** The file must still be what its header was. */
function checkUnchanged({ format }: PixelReader, placed: PlacedFrame): void {
  const { rows, columns, frames, samplesPerPixel } = placed.format;
  if (
    format.rows !== rows ||
    format.columns !== columns ||
    format.frames !== frames ||
    format.samplesPerPixel !== samplesPerPixel
  ) {
    throw new ImagingError('imaging.dicom-damaged', 'a file changed while it was read');
  }
}

/** Results in order, a few asked for beforehand. */
async function* inTurn<T>(
  count: number,
  start: (index: number) => Promise<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<[number, T]> {
  const pending: Promise<T>[] = [];
  for (let index = 0; index < count; index++) {
    for (let next = index + pending.length; next < Math.min(count, index + readAhead); next++) {
      const promise = start(next);
      // It is awaited in its turn; until then its failure is not unhandled.
      promise.catch(() => {});
      pending.push(promise);
    }
    signal?.throwIfAborted();
    yield [index, await pending.shift()!];
  }
}

/** Two different instances in one place: one of them if their pixels are equal, otherwise undefined. */
async function withoutEqualSlices(
  stack: Stack,
  sources: readonly InstanceSource[],
  options: ReadVolumesOptions,
): Promise<Stack | undefined> {
  const kept: PlacedFrame[] = [];
  for (const placed of stack.frames) {
    const last = kept.at(-1);
    if (last === undefined || !isSamePlane(last, placed)) kept.push(placed);
    else if (!(await isEqual(last, placed, sources, options))) return undefined;
  }
  const count = stack.frames.length - kept.length;
  return { frames: kept, findings: [...stack.findings, { kind: 'duplicate-left-out', count }], repeats: 0 };
}

async function isEqual(
  a: PlacedFrame,
  b: PlacedFrame,
  sources: readonly InstanceSource[],
  options: ReadVolumesOptions,
): Promise<boolean> {
  const inPlane = Math.hypot(...a.place.positionMm.map((part, axis) => part - b.place.positionMm[axis]!));
  if (inPlane > 0.01) return false;
  const values: Float32Array[] = [];
  for (const placed of [a, b]) {
    const out = new Float32Array(placed.format.rows * placed.format.columns);
    for await (const decoded of decodedFrames([placed], sources, options)) {
      writeModalityValues(decoded.values, placed.instance, placed.frame.transform, out);
    }
    values.push(out);
  }
  return values[0]!.every((value, at) => value === values[1]![at]);
}

function repeating({ frames, repeats }: Stack): NoVolume {
  return noVolume({ kind: 'positions-repeat', count: repeats }, frames);
}

function noVolume(reason: NoVolumeReason, frames: readonly PlacedFrame[]): NoVolume {
  return { reason, sources: [...new Set(frames.map(({ source }) => source))], series: seriesOf(frames[0]!.instance) };
}

function seriesOf({ seriesInstanceUid, modality }: InstanceHeader): NoVolume['series'] {
  return { instanceUid: seriesInstanceUid, modality };
}

/** Slices that do not fit as a whole may be several volumes in different places: those by acquisition, for example. */
function volumesOf(stack: Stack): readonly (DicomVolume | NoVolume)[] {
  const whole = geometryOf(stack.frames);
  if ('geometry' in whole) return [volumeOf(stack, whole)];
  for (const by of splitAttributes) {
    const parts = [...Map.groupBy(stack.frames, ({ frame }) => frame.traits[by] ?? '').values()];
    if (parts.length < 2 || parts.some((part) => part.length < 3)) continue;
    const geometries = parts.map(geometryOf);
    if (!geometries.every((part) => 'geometry' in part)) continue;
    const findings: readonly SeriesFinding[] = [...stack.findings, { kind: 'series-split', by, parts: parts.length }];
    return parts.map((frames, index) => volumeOf({ ...stack, frames, findings }, geometries[index] as Grid));
  }
  return [noVolume(whole.reason, stack.frames)];
}

type Grid = Extract<StackGeometry, { geometry: Geometry }>;

function geometryOf(frames: readonly PlacedFrame[]): StackGeometry {
  const { rows, columns } = frames[0]!.format;
  const voxels = rows * columns * frames.length;
  if (voxels > voxelsMax) return { reason: { kind: 'too-large', voxels } };
  return stackGeometry(frames.map(({ place, frame }) => ({ place, rows, columns, thicknessMm: frame.thicknessMm })));
}

function volumeOf(stack: Stack, { geometry, findings }: Grid): DicomVolume {
  const { frames } = stack;
  const { instance } = frames[0]!;
  const volume: DicomVolume = {
    series: {
      ...instance.info,
      instanceUid: instance.seriesInstanceUid,
      modality: instance.modality,
      frameOfReferenceUid: instance.frameOfReferenceUid,
      geometry,
      instances: frames.map(({ instance: { sopClassUid, sopInstanceUid } }) => ({ sopClassUid, sopInstanceUid })),
    },
    geometry,
    findings: [...stack.findings, ...findings, ...headerFindings(frames)],
    slices: frames.map(({ source, frame }) => ({ source, frame: frame.index })),
  };
  framesOfVolume.set(volume, frames);
  return volume;
}

function headerFindings(frames: readonly PlacedFrame[]): readonly SeriesFinding[] {
  const findings: SeriesFinding[] = [];
  const { instance } = frames[0]!;
  const rescales = frames.flatMap(({ frame: { transform } }) => (transform.kind === 'rescale' ? [transform] : []));
  if (rescales.some(({ isStated }) => !isStated)) findings.push({ kind: 'rescale-missing' });
  const slopes = rescales.map(({ slope }) => slope);
  const [slopeMin, slopeMax] = [
    slopes.reduce((a, b) => Math.min(a, b), Infinity),
    slopes.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  if (slopeMin < slopeMax) findings.push({ kind: 'rescale-varies', slopeMin, slopeMax });
  if (instance.modality === 'CT' && !['', 'HU', 'HU_MOD'].includes(instance.rescaleType)) {
    findings.push({ kind: 'not-hounsfield' });
  }
  const varied = (attribute: 'kernel' | 'kvp' | 'thickness', of: (placed: PlacedFrame) => unknown): void => {
    const values = new Set(frames.map(of)).size;
    if (values > 1) findings.push({ kind: 'acquisition-varies', attribute, values });
  };
  varied('kernel', ({ frame }) => frame.kernel);
  varied('kvp', (placed) => placed.instance.kvp);
  varied('thickness', ({ frame }) => frame.thicknessMm);
  const nameless = frames.filter(
    (placed) => !placed.instance.seriesInstanceUid || !placed.instance.sopInstanceUid,
  ).length;
  if (nameless > 0) findings.push({ kind: 'identifiers-missing', slices: nameless });
  const burnedIn = frames.filter((placed) => placed.instance.isBurnedIn).length;
  if (burnedIn > 0) findings.push({ kind: 'burned-in-annotation', slices: burnedIn });
  const lossy = frames.filter((placed) => placed.instance.isLossy).length;
  if (lossy > 0) findings.push({ kind: 'lossy-compression', slices: lossy });
  if (instance.imageType[0] === 'DERIVED') findings.push({ kind: 'derived-image' });
  return findings;
}

/** One entry for all instances of a series with the same plain reason. */
function grouped(others: readonly NoVolume[]): readonly NoVolume[] {
  const result = new Map<unknown, NoVolume>();
  for (const other of others) {
    const isPlain = Object.keys(other.reason).length === 1;
    const key = isPlain ? `${other.reason.kind} ${other.series?.instanceUid}` : other;
    const before = result.get(key);
    result.set(key, before === undefined ? other : { ...other, sources: [...before.sources, ...other.sources] });
  }
  return [...result.values()];
}
