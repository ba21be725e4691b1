/** What becomes of a model's proposal in the label that began with it. */

export type ProposalDecision = 'accept' | 'reject';

/**
 * Makes structures of a layer as they were proposed, or drops what was proposed of them and is still there.
 * @param voxels out
 * @param numbers of the structures that are decided on.
 */
export function decideOn(
  voxels: Uint8Array,
  { decision, numbers, proposed }: { decision: ProposalDecision; numbers: ReadonlySet<number>; proposed: Uint8Array },
): void {
  for (let at = 0; at < voxels.length; at++) {
    const isProposed = numbers.has(proposed[at]!);
    if (decision === 'reject') {
      if (isProposed && voxels[at] === proposed[at]) voxels[at] = 0;
    } else if (isProposed) {
      voxels[at] = proposed[at]!;
    } else if (numbers.has(voxels[at]!)) {
      voxels[at] = 0;
    }
  }
}

/** No structure's number: what the tool that takes the proposal has drawn, before it becomes what was proposed there. */
export const toBeTaken = 255;

/** @param voxels out; looked at from `start` to `end` (outside). */
export function takeProposed(
  voxels: Uint8Array,
  proposed: Uint8Array,
  { end, start }: { start: number; end: number },
): void {
  for (let at = start; at < end; at++) if (voxels[at] === toBeTaken) voxels[at] = proposed[at]!;
}
