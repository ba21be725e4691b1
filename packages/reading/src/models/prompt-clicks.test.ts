/** Prompts of every kind as clicks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRuns } from '../label/run-length.ts';
import { type AskedPrompt, clicksOf, type Lasso } from './prompt-clicks.ts';

const nothing: AskedPrompt = { structure: 1, clicks: [], scribbles: [], box: undefined, lasso: undefined };
const first = [2, 3, 4] as const;
const last = [4, 9, 11] as const;

describe('a prompt', () => {
  it('of clicks is what it is', () => {
    const clicks = [{ voxel: [1, 2, 3] as const, isForeground: true }];
    expect(clicksOf({ ...nothing, clicks })).toEqual({ structure: 1, clicks, box: undefined });
  });

  it('of a scribble is clicks on it, few enough, before those that were clicked', () => {
    const lengths = [3, 7, 8];
    const count = 3 * 7 * 8;
    const clicked = { voxel: [0, 0, 0] as const, isForeground: true };
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: count, maxLength: count, max: 1 }),
        fc.boolean(),
        (drawn, isForeground) => {
          const scribbles = [{ isForeground, first, last, runs: encodeRuns(drawn) }];
          const { clicks } = clicksOf({ ...nothing, scribbles, clicks: [clicked] });
          expect(clicks.at(-1)).toBe(clicked);
          const ofScribble = clicks.slice(0, -1);
          expect(ofScribble.length).toBe(Math.min(10, drawn.filter((value) => value !== 0).length));
          for (const { voxel, ...click } of ofScribble) {
            expect(click.isForeground).toBe(isForeground);
            const [z, y, x] = voxel.map((at, axis) => at - first[axis]!) as [number, number, number];
            expect(drawn[(z * lengths[1]! + y) * lengths[2]! + x]).toBe(1);
          }
        },
      ),
    );
  });

  it('of a scribble that does not fill its box is refused', () => {
    const scribble = { isForeground: true, first, last, runs: encodeRuns(new Uint8Array(5)) };
    const refused = (one: typeof scribble) => () => clicksOf({ ...nothing, scribbles: [one] });
    expect(refused(scribble)).toThrow(expect.objectContaining({ code: 'reading.runs-malformed' }));
    expect(refused({ ...scribble, last: [9, 9, 1] as never })).toThrow(
      expect.objectContaining({ code: 'reading.prompt-outside' }),
    );
  });

  it('of a box alone is a click in its middle, and nothing beyond it', () => {
    const { box, clicks } = clicksOf({ ...nothing, box: { first, last } });
    expect(clicks).toEqual([{ voxel: [3, 6, 8], isForeground: true }]);
    expect(box).toEqual({ first, last });
  });

  it('of a lasso is a click well inside of it', () => {
    // A horseshoe, whose middle is outside.
    const points: Lasso['points'] = [
      ...([
        [0, 0],
        [0, 30],
        [40, 30],
        [40, 20],
        [10, 20],
        [10, 10],
        [40, 10],
        [40, 0],
      ] as const),
    ];
    const { box, clicks } = clicksOf({ ...nothing, lasso: { slice: 5, points } });
    expect(clicks).toHaveLength(1);
    const [z, y, x] = clicks[0]!.voxel;
    expect(z).toBe(5);
    expect(y < 10 || x < 10 || x > 20).toBe(true);
    expect(Math.min(y, x, 30 - x)).toBeGreaterThan(3);
    expect(box).toMatchObject({ first: [0, 0, 0], last: [expect.any(Number), 40, 30] });
  });
});
