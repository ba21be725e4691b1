/**
 * A structure from scribbles: some voxels are said to be inside, some outside, and a minimum cut finds the border between
 * them that is cheapest, where neighbours of unlike intensity are cheap to part and intensities as under the scribbles are
 * likely (Boykov and Jolly, "Interactive Graph Cuts", ICCV 2001, doi:10.1109/ICCV.2001.937505). No training, no GPU.
 */
import { connectedComponents, type Triple } from '@consilium/imaging';
import { gridCut } from './grid-cut.ts';
import type { ToolVolume } from './tool-volume.ts';

export interface Scribbles {
  /** 1 where the structure was scribbled `[z, y, x]`. */
  readonly foreground: Uint8Array;
  /** 1 where it is said not to be. Without any, the border of the box is taken for it. */
  readonly background: Uint8Array;
  /** 1 where it cannot be, such as other structures. */
  readonly barrier?: Uint8Array;
  /** What a border between two alike neighbours costs, against the likelihood (in nats) of a voxel's intensity. */
  readonly smoothness?: number;
}

/** @returns 1 in the structure: what is connected with a scribble. Empty if nothing was scribbled. */
export function cutByScribbles(volume: ToolVolume, scribbles: Scribbles): Uint8Array {
  const { foreground, smoothness = 4 } = scribbles;
  if (!foreground.includes(1)) return new Uint8Array(foreground.length);
  const background = backgroundOf(volume.size, scribbles);
  const terminals = likelihoods(volume, { foreground, background });
  const links = linksOf(volume, smoothness);
  for (let at = 0; at < terminals.length; at++) {
    if (background[at] === 1) terminals[at] = -certain;
    // Who scribbles over both means the inside: it was drawn on purpose there.
    if (foreground[at] === 1) terminals[at] = certain;
    if (scribbles.barrier?.[at]) terminals[at] = -certain;
  }
  const { source } = gridCut({ size: volume.size, terminals, links });
  return connectedWith(source, foreground, volume.size);
}

/** Capacities are nats in thousandths. */
const perNat = 1000;
/** More than all links of a voxel and its likelihood together. */
const certain = 2 ** 29;

function backgroundOf(size: Triple, { background, barrier, foreground }: Scribbles): Uint8Array {
  if (background.includes(1) || barrier?.includes(1) === true) return background;
  const [depth, rows, columns] = size;
  const rim = new Uint8Array(background.length);
  let at = 0;
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        // A box of one slice has a border of four sides.
        const isFace = depth > 1 && (z === 0 || z === depth - 1);
        const isRim = isFace || y === 0 || y === rows - 1 || x === 0 || x === columns - 1;
        rim[at] = isRim && foreground[at] !== 1 ? 1 : 0;
      }
    }
  }
  return rim;
}

const bins = 128;
/** Share of the voxels that may lie below and above the histogram's range: metal and air take no bins from tissue. */
const tail = 0.001;
/** How likely at least an intensity is that was not scribbled on. */
const surpriseMin = 0.01;

/** How much more likely each voxel's intensity is inside than outside, as a capacity. */
function likelihoods(
  { voxels }: ToolVolume,
  { background, foreground }: Pick<Scribbles, 'foreground' | 'background'>,
): Int32Array {
  const binOf = binning(voxels);
  const [inside, beside] = [histogram(voxels, foreground, binOf), histogram(voxels, background, binOf)];
  // What nobody scribbled on is rather outside: of the many tissues around a structure few are marked.
  const all = histogram(voxels, new Uint8Array(voxels.length).fill(1), binOf);
  const outside = beside.map((share, bin) => (share + all[bin]!) / 2);
  const ratio = Float64Array.from(inside, (share, bin) => {
    const chance = (share + surpriseMin / bins) / (share + outside[bin]! + (2 * surpriseMin) / bins);
    return Math.log(chance) - Math.log(1 - chance);
  });
  return Int32Array.from(voxels, (value) => Math.round(ratio[binOf(value)]! * perNat));
}

function binning(voxels: ToolVolume['voxels']): (value: number) => number {
  // Sorting some of the voxels tells the range of all; the same ones every time.
  const step = Math.max(1, Math.floor(voxels.length / 20_000));
  const some = Float32Array.from({ length: Math.ceil(voxels.length / step) }, (_, at) => voxels[at * step]!).sort();
  const low = some[Math.floor(some.length * tail)]!;
  const high = some[Math.min(some.length - 1, Math.ceil(some.length * (1 - tail)))]!;
  const width = Math.max(high - low, 1) / bins;
  return (value) => Math.max(0, Math.min(bins - 1, Math.floor((value - low) / width)));
}

/** Shares by bin, smoothed: few voxels are scribbled on, and noise scatters them. */
function histogram(voxels: ToolVolume['voxels'], mask: Uint8Array, binOf: (value: number) => number): Float64Array {
  const counts = new Float64Array(bins);
  let [count, sum, squares] = [0, 0, 0];
  for (let at = 0; at < mask.length; at++) {
    if (mask[at] === 0) continue;
    const bin = binOf(voxels[at]!);
    counts[bin]!++;
    count++;
    sum += bin;
    squares += bin * bin;
  }
  if (count === 0) return counts.fill(1 / bins);
  // Silverman's rule, from a bin on.
  const deviation = Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
  const sigma = Math.max(1, 1.06 * deviation * count ** -0.2);
  const smooth = new Float64Array(bins);
  for (let bin = 0; bin < bins; bin++) {
    if (counts[bin] === 0) continue;
    for (let other = 0; other < bins; other++)
      smooth[other]! += counts[bin]! * Math.exp(-((bin - other) ** 2) / (2 * sigma ** 2));
  }
  const total = smooth.reduce((all, share) => all + share, 0);
  return smooth.map((share) => share / total);
}

/** Dear between alike neighbours, cheap across an edge, and the cheaper the farther apart they are. */
function linksOf({ size, spacingMm, voxels }: ToolVolume, smoothness: number): [Int32Array, Int32Array, Int32Array] {
  const steps = [size[1] * size[2], size[2], 1] as const;
  let [squares, pairs] = [0, 0];
  for (const step of steps) {
    for (let at = step; at < voxels.length; at++) squares += (voxels[at]! - voxels[at - step]!) ** 2;
    pairs += Math.max(0, voxels.length - step);
  }
  // Twice the mean square of differences, as in GrabCut (Rother and others 2004).
  const scale = Math.max(1e-6, (2 * squares) / Math.max(1, pairs));
  const nearestMm = Math.min(...spacingMm);
  const along = (axis: 0 | 1 | 2): Int32Array => {
    const step = steps[axis];
    const weight = (smoothness * perNat * nearestMm) / spacingMm[axis];
    const capacities = new Int32Array(voxels.length);
    for (let at = 0; at + step < voxels.length; at++) {
      capacities[at] = Math.round(weight * Math.exp(-((voxels[at + step]! - voxels[at]!) ** 2) / scale));
    }
    return capacities;
  };
  return [along(0), along(1), along(2)];
}

/** The pieces of a mask in which something was scribbled. */
function connectedWith(mask: Uint8Array, foreground: Uint8Array, size: Triple): Uint8Array {
  const { count, labels } = connectedComponents(mask, size, 6);
  const stays = new Uint8Array(count + 1);
  for (let at = 0; at < mask.length; at++) if (foreground[at] === 1) stays[labels[at]!] = 1;
  stays[0] = 0;
  return mask.map((_, at) => stays[labels[at]!]!);
}
