/** What a label changed of another one on the same grid, structure by structure. */

export interface StructureEdits {
  readonly before: number;
  readonly after: number;
  readonly both: number;
  /** Voxels that are the structure's now and were not, and the reverse. */
  readonly added: number;
  readonly removed: number;
}

/** What became of a proposal: kept as it was, kept in the main, or drawn anew. */
export type ProposalFate = 'accepted' | 'edited' | 'redrawn' | 'absent';

/** From this Dice on a proposal was kept, corrected. */
const editedDiceMin = 0.5;

/** By structure's number. @param before, after voxels by layer. */
export function editsBetween(
  before: readonly Uint8Array[],
  after: readonly Uint8Array[],
): Readonly<Record<string, StructureEdits>> {
  const [inBefore, inAfter, both] = [new Float64Array(256), new Float64Array(256), new Float64Array(256)];
  for (const [layer, voxels] of after.entries()) {
    const old = before[layer]!;
    for (let at = 0; at < voxels.length; at++) {
      const [a, b] = [old[at]!, voxels[at]!];
      inBefore[a]!++;
      inAfter[b]!++;
      if (a === b) both[a]!++;
    }
  }
  const edits: Record<string, StructureEdits> = {};
  for (let number = 1; number < 256; number++) {
    if (inBefore[number] === 0 && inAfter[number] === 0) continue;
    edits[number] = {
      before: inBefore[number]!,
      after: inAfter[number]!,
      both: both[number]!,
      added: inAfter[number]! - both[number]!,
      removed: inBefore[number]! - both[number]!,
    };
  }
  return edits;
}

export function fateOf({ added, after, before, both, removed }: StructureEdits): ProposalFate {
  if (before === 0) return 'absent';
  if (added === 0 && removed === 0) return 'accepted';
  return (2 * both) / (before + after) >= editedDiceMin ? 'edited' : 'redrawn';
}
