/**
 * How simulated readers draw and correct, and how long it takes them: a model, stated here with where each part comes from.
 * Nobody read anything; every number that follows from it is SIMULATED.
 *
 * Time is that of a contour's path: to trace one takes as long as it is long (steering law: Accot and Zhai 1997), and the time
 * of a correction goes with the added path length, those pixels of the corrected border that the proposal did not have (Vaassen
 * and others 2020). What varies between readers and cases is skewed to the slow side (Wang and others 2021).
 *
 * Corrections: a reader sees that a proposal is wrong where it lies further from the own border than borders of one reader do
 * from another's, and there draws the own border; what lies nearer is left as it was proposed.
 */
import { connectedComponents, type Triple } from '@consilium/imaging';
import type { Random } from '@consilium/numerics';

export interface ReaderConstant {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly source: string;
}

const constants = {
  openSeconds: {
    value: 30,
    unit: 's a case',
    source: 'Assumed: to open a case, answer its form and hand it in.',
  },
  lookSeconds: {
    value: 1,
    unit: 's a slice of the series',
    source: 'Assumed: to scroll through, by hand and assisted alike.',
  },
  checkSeconds: {
    value: 2,
    unit: 's a slice with a proposal',
    source: 'Assumed: to compare the proposal with the image; only assisted.',
  },
  traceMmPerSecond: {
    value: 20,
    unit: 'mm of path a second',
    source:
      'Steering law, linear in the path (Accot and Zhai, CHI 1997, doi:10.1145/258549.258760). The speed is set so that a case takes about ten minutes: between the median 7.5 min of a radiologist for a small renal mass (Can Urol Assoc J, doi:10.5489/cuaj.9476) and 30 to 60 min for an abdominal organ (Qu and others 2023, arXiv:2305.09666).',
  },
  toleranceVoxels: {
    value: 1,
    unit: 'voxels in the slice',
    source:
      'Assumed: the least that the grid of these images can show; expert readers of small renal masses agree with Dice 0.86 to 0.90 (doi:10.5489/cuaj.9476).',
  },
  readerSpread: {
    value: 0.2,
    unit: 'SD of the logarithm of a reader’s speed',
    source:
      'Assumed; positively skewed as steering times are (Wang and others, UIST 2021, doi:10.1145/3472749.3474811).',
  },
  caseSpread: {
    value: 0.15,
    unit: 'SD of the logarithm of a case’s time',
    source: 'As above; drawn anew for each reading.',
  },
} as const satisfies Readonly<Record<string, Omit<ReaderConstant, 'name'>>>;

/** For the report. */
export const readerConstants: readonly ReaderConstant[] = Object.entries(constants).map(([name, one]) => ({
  name,
  ...one,
}));

export const readerModelText =
  'Minutes by hand: opening, a look at every slice, and the path of all borders of the slices that the reader draws, at a constant speed. Minutes assisted: opening, a look at every slice, a check of every slice with a proposal, and the path of those borders that the corrected label has and the proposal has not (added path length: Vaassen and others 2020, doi:10.1016/j.phro.2019.12.001), with the borders of what was erased whole. Corrections: a voxel is noticed as wrong if none of its neighbours in the slice has, in the reader’s own label, what was proposed for it, or if it belongs to a lesion that was proposed nowhere or to a proposal of which the reader has nothing; it and its neighbours that are wrong too become the reader’s own. The rest of the proposal stays, as readers leave what is nearly right. Where the path of the corrections would be longer than that of drawing by hand, the reader has looked at the proposal, discards it and draws by hand.';

export interface Drawn {
  /** Millimetres of path in the slices. */
  readonly pathMm: number;
  readonly slices: number;
}

interface LabelShape {
  /** `[z, y, x]`. */
  readonly size: Triple;
  readonly spacingMm: Triple;
  /** Numbers of the structures. */
  readonly structures: readonly number[];
}

/** Minutes of one reading. @param slices of the series. @param drawn what of each structure, by its number, had to be traced. */
export function readingMinutes(
  { drawn, proposedSlices, slices }: { drawn: ReadonlyMap<number, Drawn>; proposedSlices: number; slices: number },
  { readerFactor, random }: { readonly readerFactor: number; readonly random: Random },
): { readonly overhead: number; readonly byStructure: ReadonlyMap<number, number> } {
  const factor = (readerFactor * Math.exp(constants.caseSpread.value * random.normal())) / 60;
  const overhead =
    constants.openSeconds.value + constants.lookSeconds.value * slices + constants.checkSeconds.value * proposedSlices;
  return {
    overhead: overhead * factor,
    byStructure: new Map(
      [...drawn].map(([structure, { pathMm }]) => [structure, (pathMm / constants.traceMmPerSecond.value) * factor]),
    ),
  };
}

/** How much slower than the mean a reader is, always. */
export function readerFactorOf(random: Random): number {
  return Math.exp(constants.readerSpread.value * random.normal());
}

/** Of a label drawn by hand on every `drawnEvery`-th slice, those between interpolated: the path by structure. */
export function pathByHand(label: Uint8Array, shape: LabelShape, drawnEvery: number): ReadonlyMap<number, Drawn> {
  return new Map(
    shape.structures.map((structure) => [structure, pathOf(borderOf(label, structure, shape.size), shape, drawnEvery)]),
  );
}

/** What had to be traced to make one label of the other: borders that are new, and those of what was erased whole. */
export function pathOfCorrection(
  proposal: Uint8Array,
  corrected: Uint8Array,
  shape: LabelShape,
): ReadonlyMap<number, Drawn> {
  return new Map(
    shape.structures.map((structure) => {
      const erased = withoutPartner(proposal, corrected, { structure, size: shape.size });
      const before = borderOf(proposal, structure, shape.size);
      const traced = borderOf(corrected, structure, shape.size).map((isBorder, at) =>
        before[at] === 1 ? erased[at]! : isBorder,
      );
      return [structure, pathOf(traced, shape, 1)];
    }),
  );
}

/** Slices in which anything is drawn. */
export function slicesWith(label: Uint8Array, [depth, rows, columns]: Triple): number {
  let count = 0;
  for (let z = 0; z < depth; z++) {
    if (label.subarray(z * rows * columns, (z + 1) * rows * columns).some((value) => value !== 0)) count++;
  }
  return count;
}

/** The proposal as the reader leaves it. All of `size` `[z, y, x]`. */
export function correctedLabel(
  proposal: Uint8Array,
  own: Uint8Array,
  { size, structures }: Pick<LabelShape, 'size' | 'structures'>,
): Uint8Array {
  const noticed = noticedWrong(proposal, own, size);
  for (const structure of structures) {
    mergeInto(noticed, withoutPartner(own, proposal, { structure, size }));
    mergeInto(noticed, withoutPartner(proposal, own, { structure, size }));
  }
  const corrected = proposal.slice();
  forNeighbours(
    size,
    (at) => proposal[at] !== own[at],
    (at, neighbours) => {
      if (noticed[at] === 1 || neighbours.some((other) => noticed[other] === 1)) corrected[at] = own[at]!;
    },
  );
  return corrected;
}

/** Voxels that are further than the tolerance from where the own label has what is proposed there. */
function noticedWrong(proposal: Uint8Array, own: Uint8Array, size: Triple): Uint8Array {
  const noticed = new Uint8Array(own.length);
  forNeighbours(
    size,
    (at) => proposal[at] !== own[at],
    (at, neighbours) => {
      if (!neighbours.some((other) => own[other] === proposal[at])) noticed[at] = 1;
    },
  );
  return noticed;
}

/** Pieces of a structure in one label of which the other has no voxel. */
function withoutPartner(
  label: Uint8Array,
  other: Uint8Array,
  { size, structure }: { readonly size: Triple; readonly structure: number },
): Uint8Array {
  const mask = label.map((value) => Number(value === structure));
  const pieces = connectedComponents(mask, size, 26);
  const isMet = new Uint8Array(pieces.count + 1);
  for (let at = 0; at < label.length; at++) if (other[at] === structure) isMet[pieces.labels[at]!] = 1;
  return mask.map((inside, at) => Number(inside === 1 && isMet[pieces.labels[at]!] === 0));
}

function mergeInto(into: Uint8Array, mask: Uint8Array): void {
  for (let at = 0; at < into.length; at++) if (mask[at] === 1) into[at] = 1;
}

/** Calls for those voxels that are asked for, with the eight around each in its slice, as far as there are. */
function forNeighbours(
  [depth, rows, columns]: Triple,
  isAsked: (at: number) => boolean,
  see: (at: number, neighbours: readonly number[]) => void,
): void {
  for (let at = 0; at < depth * rows * columns; at++) {
    if (!isAsked(at)) continue;
    const x = at % columns;
    const y = Math.floor(at / columns) % rows;
    const around: number[] = [];
    for (let row = Math.max(0, y - 1); row <= Math.min(rows - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(columns - 1, x + 1); column++) {
        const other = at + (row - y) * columns + column - x;
        if (other !== at) around.push(other);
      }
    }
    see(at, around);
  }
}

/** Voxels of the structure with a neighbour in their slice, by an edge, that is not of it. */
function borderOf(label: Uint8Array, structure: number, [, rows, columns]: Triple): Uint8Array {
  const border = new Uint8Array(label.length);
  for (let at = 0; at < label.length; at++) {
    if (label[at] !== structure) continue;
    const x = at % columns;
    const y = Math.floor(at / columns) % rows;
    const isAtEdge = x === 0 || y === 0 || x === columns - 1 || y === rows - 1;
    border[at] = Number(
      isAtEdge ||
        label[at - 1] !== structure ||
        label[at + 1] !== structure ||
        label[at - columns] !== structure ||
        label[at + columns] !== structure,
    );
  }
  return border;
}

function pathOf(border: Uint8Array, { size: [depth, rows, columns], spacingMm }: LabelShape, every: number): Drawn {
  let [pixels, slices] = [0, 0];
  for (let z = 0; z < depth; z += every) {
    let here = 0;
    for (let at = z * rows * columns; at < (z + 1) * rows * columns; at++) here += border[at]!;
    pixels += here;
    if (here > 0) slices++;
  }
  return { pathMm: pixels * Math.sqrt(spacingMm[1] * spacingMm[2]), slices };
}
