/** What becomes of a proposal, voxel by voxel. */
import { expect, it } from 'vitest';
import { decideOn, takeProposed, toBeTaken } from './proposal-decision.ts';

const proposed = Uint8Array.of(1, 1, 2, 2, 0, 0, 3);
const drawn = () => Uint8Array.of(1, 0, 2, 1, 1, 2, 3);

it('a structure is as proposed again, also where it was drawn since, and no other is touched but by it', () => {
  const voxels = drawn();
  decideOn(voxels, { decision: 'accept', numbers: new Set([1]), proposed });
  expect([...voxels]).toEqual([1, 1, 2, 0, 0, 2, 3]);
  decideOn(voxels, { decision: 'accept', numbers: new Set([1, 2, 3]), proposed });
  expect(voxels).toEqual(proposed);
});

it('what was proposed is dropped where it still is, and what a reader drew stays', () => {
  const voxels = drawn();
  decideOn(voxels, { decision: 'reject', numbers: new Set([1, 2]), proposed });
  expect([...voxels]).toEqual([0, 0, 0, 1, 1, 2, 3]);
});

it('a region takes what was proposed in it, nothing as well as structures', () => {
  const voxels = drawn().fill(toBeTaken, 1, 6);
  takeProposed(voxels, proposed, { start: 0, end: 5 });
  expect([...voxels]).toEqual([1, 1, 2, 2, 0, toBeTaken, 3]);
});
