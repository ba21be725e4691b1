/** Pixels without text and without what lies hidden beside them (Clean Pixel Data and Clean Graphics, PS3.15 E.3.1, E.3.3). */
import { type DataElement, Dataset, valueBytes } from '../dicom/dataset.ts';
import { dictionary } from '../dicom/dictionary.ts';
import { type DicomRecord, datasetOf } from '../dicom/encode.ts';
import type { DicomFile } from '../dicom/part10.ts';
import { ImagingError } from '../imaging-error.ts';
import type { ChangeLog } from './change-log.ts';
import { withoutComments } from './codestream-comments.ts';
import type { DecodePixels, RefusalReason } from './deidentification.ts';
import { findTextLines } from './frame-text.ts';
import { blankRegions, greyFrame, layoutOf, nativeBytes, type PixelLayout, withoutSpareBits } from './native-pixels.ts';
import type { PixelDecision } from './pixel-policy.ts';
import type { DeidentificationProfile } from './profile.ts';

export interface CleanedPixels {
  readonly kind: 'cleaned';
  /** Instead of the file's Pixel Data; undefined if it has none or another kind. */
  readonly element: DataElement | undefined;
  /** Attributes that describe the pixels and changed with them. */
  readonly changed: Dataset;
  readonly isNative: boolean;
  /** Whether somebody looked for text, or a rule said where it is. */
  readonly isChecked: boolean;
}

export interface PixelCleaning {
  readonly decision: Exclude<PixelDecision, { kind: 'refused' }>;
  readonly burnedInText: NonNullable<DeidentificationProfile['burnedInText']>;
  readonly decodePixels: DecodePixels | undefined;
  readonly log: ChangeLog;
}

type Outcome = CleanedPixels | { readonly kind: 'refused'; readonly reason: RefusalReason };

/** @throws ImagingError `imaging.dicom-*` for pixels that are not what the header says */
export async function cleanedPixels(file: DicomFile, cleaning: PixelCleaning): Promise<Outcome> {
  const { data } = file;
  const element = data.element('PixelData');
  if (element === undefined) return unchanged(undefined, true);
  const { decision, burnedInText, decodePixels } = cleaning;
  const isCovered = decision.kind === 'covered';
  const isCompressed = element.fragments !== undefined;
  const mustSee = isCovered
    ? decision.rule.regions.length > 0
    : burnedInText !== 'unchecked' && decision.pixels === 'derived';
  if (isCompressed && !mustSee) {
    return { ...unchanged(undefined, false), ...cleanedStreams(element, data), isChecked: isCovered };
  }
  if (!isCompressed) return nativeCleaned(file, element, cleaning);
  const decoded = await decodePixels?.(file);
  if (decoded === undefined) {
    return refused(
      'imaging.deidentification-pixels-compressed',
      'the pixels have to be looked at and cannot be decoded',
    );
  }
  const record: DicomRecord = {
    PhotometricInterpretation: decoded.photometricInterpretation ?? data.text('PhotometricInterpretation'),
    PlanarConfiguration: data.element('PlanarConfiguration') && 0,
  };
  const changed = datasetOf(record);
  const tags = new Set(changed.elements.map(({ tag }) => tag));
  const described = new Dataset([...data.elements.filter(({ tag }) => !tags.has(tag)), ...changed.elements]);
  const native = pixelElement(decoded.bytes, layoutOf(described).bitsAllocated);
  const outcome = nativeCleaned({ ...file, data: described }, native, cleaning);
  if (outcome.kind === 'refused') return outcome;
  // Pixels in which nothing was found need not be decompressed for good.
  if (outcome.element === native) {
    return { ...unchanged(undefined, false), ...cleanedStreams(element, data), isChecked: true };
  }
  return { ...outcome, changed };
}

function nativeCleaned({ data }: DicomFile, element: DataElement, cleaning: PixelCleaning): Outcome {
  const layout = layoutOf(data);
  const wanted = nativeBytes(layout);
  if (element.end - element.start < wanted) {
    throw new ImagingError('imaging.dicom-pixels-truncated', 'the file holds fewer pixels than its header says');
  }
  // What lies behind the last pixel is no pixel.
  const trimmed = element.end - element.start > wanted ? { ...element, end: element.start + wanted } : element;
  const visible = hasOverlayInPixels(data) ? withoutOverlayBits(trimmed, data, layout) : trimmed;
  const { decision, burnedInText, log } = cleaning;
  const tag = element.tag;
  if (decision.kind === 'covered') {
    if (decision.rule.regions.length === 0) return { ...unchanged(visible, true), isChecked: true };
    const bytes = valueBytes(visible).slice();
    blankRegions(bytes, layout, decision.rule.regions);
    log.add(tag, 'blanked', 'pixel rule', decision.rule.regions.length * layout.frames);
    return { ...unchanged(withBytes(visible, bytes), true), isChecked: true };
  }
  if (burnedInText === 'unchecked' || decision.pixels === 'labels') return unchanged(visible, true);
  let blanked: Uint8Array | undefined;
  for (let frame = 0; frame < layout.frames; frame++) {
    const grey = greyFrame(valueBytes(visible), layout, frame);
    const lines = grey === undefined ? [] : findTextLines(grey);
    if (lines.length === 0) continue;
    if (burnedInText === 'refused') {
      return refused('imaging.deidentification-text-found', 'the pixels look as if text were written in them');
    }
    blanked ??= valueBytes(visible).slice();
    blankRegions(blanked, layout, lines, frame);
    log.add(tag, 'blanked', 'text found', lines.length);
  }
  return { ...unchanged(blanked === undefined ? visible : withBytes(visible, blanked), true), isChecked: true };
}

/** Overlays of old kept their bits in the pixels' unused ones; their groups state a position above 0. */
function hasOverlayInPixels(data: Dataset): boolean {
  return data.elements.some(({ tag }) => Math.floor(tag / 2 ** 24) === 0x60 && tag % 65_536 === 0x0102);
}

function withoutOverlayBits(element: DataElement, data: Dataset, layout: PixelLayout): DataElement {
  const lowest = (data.number('HighBit') ?? layout.bitsStored - 1) - (layout.bitsStored - 1);
  return lowest === 0 ? withBytes(element, withoutSpareBits(valueBytes(element), layout)) : element;
}

/** Streams without comments, and tables of offsets that are what they say they are. */
function cleanedStreams(element: DataElement, data: Dataset): Pick<CleanedPixels, 'element' | 'changed'> {
  const frames = data.encapsulatedFrames(data.number('NumberOfFrames') ?? 1)!.map(withoutFrameComments);
  const starts: number[] = [];
  let at = 0;
  for (const fragments of frames) {
    starts.push(at);
    at += fragments.reduce((sum, { length }) => sum + itemHeaderBytes + length + (length % 2), 0);
  }
  const hasTable = (element.fragments![0]?.length ?? 0) > 0;
  const basic = hasTable ? new Uint8Array(Uint32Array.from(starts).buffer) : new Uint8Array(0);
  const extended: DicomRecord = {
    ExtendedOffsetTable: new Uint8Array(BigUint64Array.from(starts, BigInt).buffer),
    ExtendedOffsetTableLengths: new Uint8Array(
      BigUint64Array.from(frames, ([frame]) => BigInt(frame?.length ?? 0)).buffer,
    ),
  };
  const isExtended = data.element('ExtendedOffsetTable') !== undefined;
  return {
    element: { ...element, fragments: [basic, ...frames.flat()] },
    changed: datasetOf(isExtended ? extended : {}),
  };
}

const itemHeaderBytes = 8;

function withoutFrameComments(fragments: readonly Uint8Array[]): readonly Uint8Array[] {
  if (fragments.length === 1) return [withoutComments(fragments[0]!)];
  const whole = joined(fragments);
  const clean = withoutComments(whole);
  if (clean === whole) return fragments;
  let at = 0;
  return fragments.map(({ length }) => {
    at += length;
    return clean.subarray(at - length, at);
  });
}

function joined(fragments: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(fragments.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const fragment of fragments) {
    whole.set(fragment, at);
    at += fragment.length;
  }
  return whole;
}

function pixelElement(bytes: Uint8Array, bitsAllocated: number): DataElement {
  return {
    ...{
      tag: dictionary.PixelData[0],
      vr: bitsAllocated > 8 ? 'OW' : 'OB',
      source: bytes,
      start: 0,
      end: bytes.length,
    },
    ...{ items: undefined, fragments: undefined, undefinedLength: false },
  };
}

function withBytes(element: DataElement, bytes: Uint8Array): DataElement {
  return { ...element, source: bytes, start: 0, end: bytes.length };
}

function unchanged(element: DataElement | undefined, isNative: boolean): CleanedPixels {
  return { kind: 'cleaned', element, changed: new Dataset([]), isNative, isChecked: false };
}

function refused(code: RefusalReason['code'], message: string): Outcome {
  return { kind: 'refused', reason: { code, message, detail: undefined } };
}
