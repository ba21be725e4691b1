/**
 * The frames of any number of instances into stacks: each of one series, frame of reference, size and orientation, without
 * two frames in one place. Only headers are needed.
 */
import { dot, norm, subtract } from '../geometry.ts';
import { ImagingError } from '../imaging-error.ts';
import type { FrameHeader, FramePlace, InstanceHeader } from './instance-header.ts';
import { normalOf, volumeModalities } from './instance-header.ts';
import type { PixelFormat } from './pixel-format.ts';
import { type NoVolumeReason, type SeriesFinding, type SplitAttribute, splitAttributes } from './stack-finding.ts';
import { positionRoundingMm } from './stack-geometry.ts';
import { pixelCodingOf } from './transfer-syntax.ts';

/** A frame in the patient, and which source it is from. */
export interface PlacedFrame {
  readonly source: number;
  readonly instance: InstanceHeader;
  readonly format: PixelFormat;
  readonly frame: FrameHeader;
  readonly place: FramePlace;
}

export interface Stack {
  /** Ordered along their normal. */
  readonly frames: readonly PlacedFrame[];
  readonly findings: readonly SeriesFinding[];
  /** Frames in the place of another that nothing tells apart: equal pixels or an error. */
  readonly repeats: number;
}

/** SOP classes of segmentations: read by other means. */
const segmentationClasses = ['1.2.840.10008.5.1.4.1.1.66.4', '1.2.840.10008.5.1.4.1.1.66.7'];
const sameDirection = 1e-3;
const sameSpacingMm = 1e-4;

/** Why an instance is no part of any volume, by its header alone. */
export function reasonAgainst(header: InstanceHeader): NoVolumeReason | undefined {
  const { format, imageType } = header;
  if (segmentationClasses.includes(header.sopClassUid)) return { kind: 'segmentation' };
  if (format === undefined) return { kind: 'not-an-image' };
  if (imageType.includes('LOCALIZER')) return { kind: 'localizer' };
  if (imageType.some((type) => type === 'SCREEN SAVE' || type === 'SCREENSHOT')) return { kind: 'screen-save' };
  if (header.isSecondaryCapture) return { kind: 'secondary-capture' };
  if (!volumeModalities.includes(header.modality)) return { kind: 'modality-not-read' };
  if (format.samplesPerPixel !== 1 || format.photometric === 'PALETTE COLOR') return { kind: 'colour' };
  if (header.frames.length === 0 || header.frames.some(({ place }) => place === undefined))
    return { kind: 'no-geometry' };
  try {
    pixelCodingOf(header.transferSyntaxUid);
  } catch (error) {
    return { kind: 'pixels-not-read', error: error as ImagingError };
  }
  if (format.bitsAllocated !== 8 && format.bitsAllocated !== 16 && format.bitsAllocated !== 32) {
    const error = new ImagingError('imaging.dicom-pixels-unsupported', 'an image must have 8, 16 or 32 bits a pixel');
    return { kind: 'pixels-not-read', error };
  }
  return undefined;
}

/** @param frames of instances that nothing is against. */
export function stacksOf(frames: readonly PlacedFrame[]): readonly Stack[] {
  return parallelGroups(frames).flatMap((group) => {
    const { kept, duplicates } = withoutTwins(inOrder(group));
    const findings: SeriesFinding[] = duplicates > 0 ? [{ kind: 'duplicate-left-out', count: duplicates }] : [];
    return separated(kept, findings, splitAttributes);
  });
}

function parallelGroups(frames: readonly PlacedFrame[]): readonly (readonly PlacedFrame[])[] {
  const byKey = new Map<string, PlacedFrame[][]>();
  for (const frame of frames) {
    const { instance, format, place } = frame;
    const key = [instance.seriesInstanceUid, instance.frameOfReferenceUid, format.rows, format.columns].join(' ');
    const groups = byKey.get(key) ?? [];
    byKey.set(key, groups);
    const group = groups.find(([first]) => isParallel(first!.place, place));
    if (group) group.push(frame);
    else groups.push([frame]);
  }
  return [...byKey.values()].flat();
}

function isParallel(a: FramePlace, b: FramePlace): boolean {
  return (
    norm(subtract(a.rowAxis, b.rowAxis)) <= sameDirection &&
    norm(subtract(a.columnAxis, b.columnAxis)) <= sameDirection &&
    Math.abs(a.pixelSpacingMm[0] - b.pixelSpacingMm[0]) <= sameSpacingMm &&
    Math.abs(a.pixelSpacingMm[1] - b.pixelSpacingMm[1]) <= sameSpacingMm
  );
}

/** By position along the normal; in one place by instance number and UID, so that the order of files never matters. */
function inOrder(frames: readonly PlacedFrame[]): readonly PlacedFrame[] {
  const normal = normalOf(frames[0]!.place);
  const heights = new Map(frames.map((frame) => [frame, dot(normal, frame.place.positionMm)]));
  return frames.toSorted(
    (a, b) =>
      heights.get(a)! - heights.get(b)! ||
      a.instance.instanceNumber - b.instance.instanceNumber ||
      (a.instance.sopInstanceUid < b.instance.sopInstanceUid ? -1 : 1) ||
      a.frame.index - b.frame.index,
  );
}

/** The same instance given twice counts once. */
function withoutTwins(frames: readonly PlacedFrame[]): { kept: readonly PlacedFrame[]; duplicates: number } {
  const seen = new Set<string>();
  const kept = frames.filter(({ instance, frame }) => {
    if (instance.sopInstanceUid === '') return true;
    const id = `${instance.sopInstanceUid} ${frame.index}`;
    return !seen.has(id) && seen.add(id);
  });
  return { kept, duplicates: frames.length - kept.length };
}

/** Splits by the attribute that leaves the fewest frames in the place of another, until there are none. */
function separated(
  frames: readonly PlacedFrame[],
  findings: readonly SeriesFinding[],
  attributes: readonly SplitAttribute[],
): readonly Stack[] {
  const repeats = repeatsIn(frames);
  if (repeats === 0) return [{ frames, findings, repeats }];
  let best: { by: SplitAttribute; parts: readonly (readonly PlacedFrame[])[]; repeats: number } | undefined;
  for (const by of attributes) {
    const parts = partsBy(frames, by);
    if (parts.length < 2 || parts.some((part) => part.length < 2)) continue;
    const left = parts.reduce((sum, part) => sum + repeatsIn(part), 0);
    if (left < (best?.repeats ?? repeats)) best = { by, parts, repeats: left };
  }
  if (best === undefined) return [{ frames, findings, repeats }];
  const { by, parts } = best;
  const rest = attributes.filter((attribute) => attribute !== by);
  const found: readonly SeriesFinding[] = [...findings, { kind: 'series-split', by, parts: parts.length }];
  return parts.flatMap((part) => separated(part, found, rest));
}

/** In order of first appearance, each still in order of place. */
function partsBy(frames: readonly PlacedFrame[], by: SplitAttribute): readonly (readonly PlacedFrame[])[] {
  const parts = Map.groupBy(frames, ({ frame }) => frame.traits[by] ?? '');
  return [...parts.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part);
}

function repeatsIn(frames: readonly PlacedFrame[]): number {
  const normal = normalOf(frames[0]!.place);
  let repeats = 0;
  for (let index = 1; index < frames.length; index++) {
    if (isSamePlane(frames[index - 1]!, frames[index]!, normal)) repeats++;
  }
  return repeats;
}

export function isSamePlane(a: PlacedFrame, b: PlacedFrame, normal = normalOf(a.place)): boolean {
  return dot(normal, subtract(b.place.positionMm, a.place.positionMm)) <= positionRoundingMm;
}
