/** Tools that need no model: against what ITK, SciPy and PyMaxflow recorded, and on made-up organs. */
import { readFileSync } from 'node:fs';
import type { Triple } from '@consilium/imaging';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gridCut } from './grid-cut.ts';
import { growRegion } from './region-growing.ts';
import { cutByScribbles } from './scribbles.ts';
import { threshold } from './threshold.ts';
import { boxAround, type ToolVolume } from './tool-volume.ts';

interface Recorded {
  readonly regions: readonly {
    readonly size: Triple;
    readonly voxels: string;
    readonly seeds: readonly Triple[];
    readonly multiplier: number;
    readonly iterations: number;
    readonly radius: number;
    readonly region: string;
  }[];
  readonly cuts: readonly {
    readonly size: Triple;
    readonly terminals: string;
    readonly links: readonly [string, string, string];
    readonly flow: number;
    readonly source: string;
  }[];
}
/** By `recording/record_tools.py`. */
const recorded: Recorded = JSON.parse(readFileSync(new URL('../recorded/tools.json', import.meta.url), 'utf8'));
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const wide = (text: string) => new Int32Array(bytesOf(text).buffer);

/** A ball of one brightness in another, with noise that is the same every time. */
function ballVolume(
  size: Triple,
  radius: number,
  { noise = 0, inside = 120, outside = 40, spacingMm = [1, 1, 1] as Triple } = {},
) {
  const voxels = new Int16Array(size[0] * size[1] * size[2]);
  const truth = new Uint8Array(voxels.length);
  let [at, state] = [0, 12_345];
  for (let z = 0; z < size[0]; z++) {
    for (let y = 0; y < size[1]; y++) {
      for (let x = 0; x < size[2]; x++, at++) {
        const steps = [z - size[0] / 2, y - size[1] / 2, x - size[2] / 2].map((step, axis) => step * spacingMm[axis]!);
        truth[at] = Math.hypot(...steps) <= radius ? 1 : 0;
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        voxels[at] = Math.round((truth[at] === 1 ? inside : outside) + (state / 2 ** 30 - 1) * noise);
      }
    }
  }
  const volume: ToolVolume = { voxels, size, spacingMm };
  return { volume, truth };
}

function marked(size: Triple, voxels: readonly Triple[]): Uint8Array {
  const mask = new Uint8Array(size[0] * size[1] * size[2]);
  for (const [z, y, x] of voxels) mask[(z * size[1] + y) * size[2] + x] = 1;
  return mask;
}

function overlap(one: Uint8Array, other: Uint8Array): number {
  const both = one.reduce((sum, value, at) => sum + (value & other[at]!), 0);
  const all = (mask: Uint8Array) => mask.reduce((sum, value) => sum + value, 0);
  return (2 * both) / (all(one) + all(other));
}

describe('the minimum cut', () => {
  it.each(recorded.cuts.map((cut, index) => [index, cut] as const))(
    'is that of SciPy and PyMaxflow, graph %i',
    (_, cut) => {
      const [z, y, x] = cut.links.map(wide) as [Int32Array, Int32Array, Int32Array];
      const found = gridCut({ size: cut.size, terminals: wide(cut.terminals), links: [z, y, x] });
      expect(found.flow).toBe(cut.flow);
      expect(found.source).toEqual(bytesOf(cut.source));
    },
  );

  it('is the cheapest of all divisions of a small grid', () => {
    const size: Triple = [2, 2, 3];
    const capacity = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 12, maxLength: 12 });
    const terminal = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 12, maxLength: 12 });
    const steps = [6, 3, 1];
    fc.assert(
      fc.property(terminal, fc.tuple(capacity, capacity, capacity), (terminals, links) => {
        const costOf = (isSource: (at: number) => boolean) => {
          let cost = 0;
          for (let at = 0; at < 12; at++) {
            if (terminals[at]! > 0 !== isSource(at)) cost += Math.abs(terminals[at]!);
            const place = [Math.floor(at / 6), Math.floor(at / 3) % 2, at % 3];
            for (const [axis, step] of steps.entries()) {
              if (place[axis]! + 1 < size[axis]! && isSource(at) !== isSource(at + step)) cost += links[axis]![at]!;
            }
          }
          return cost;
        };
        let cheapest = Number.POSITIVE_INFINITY;
        for (let code = 0; code < 2 ** 12; code++)
          cheapest = Math.min(
            cheapest,
            costOf((at) => (code >> at) % 2 === 1),
          );
        const [z, y, x] = links.map((link) => Int32Array.from(link)) as [Int32Array, Int32Array, Int32Array];
        const { flow, source } = gridCut({ size, terminals: Int32Array.from(terminals), links: [z, y, x] });
        // A voxel without a terminal's capacity costs nothing on either side.
        const own = costOf((at) => source[at] === 1);
        expect([flow, own]).toEqual([cheapest, cheapest]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('region growing', () => {
  it.each(recorded.regions.map((region, index) => [index, region] as const))('is ITK’s, volume %i', (_, region) => {
    const { iterations, multiplier, radius, seeds, size } = region;
    const voxels = new Int16Array(bytesOf(region.voxels).buffer);
    const grown = growRegion({ voxels, size, spacingMm: [1, 1, 1] }, { seeds, iterations, multiplier, radius });
    expect(grown).toEqual(bytesOf(region.region));
  });

  it('stops at a barrier, and finds nothing from a seed on it', () => {
    const size: Triple = [4, 8, 16];
    const { volume } = ballVolume(size, 0, { noise: 3 });
    const wall = marked(
      size,
      [0, 1, 2, 3].flatMap((z) => [...Array(8).keys()].map((y): Triple => [z, y, 9])),
    );
    const grown = growRegion(volume, { seeds: [[1, 4, 3]], barrier: wall });
    expect(grown[(1 * 8 + 4) * 16 + 8]).toBe(1);
    for (let at = 0; at < grown.length; at++) if (at % 16 > 8) expect(grown[at]).toBe(0);
    expect(growRegion(volume, { seeds: [[1, 4, 9]], barrier: wall })).not.toContain(1);
  });
});

describe('scribbles', () => {
  const size: Triple = [20, 24, 28];
  const foreground = marked(
    size,
    [9, 10, 11].map((x): Triple => [10, 12, x + 3]),
  );

  it('find a noisy ball from three voxels inside and a few outside', () => {
    const { truth, volume } = ballVolume(size, 7, { noise: 50 });
    const background = marked(
      size,
      [2, 3, 4, 5, 6, 7].map((x): Triple => [10, 3, x]),
    );
    expect(overlap(cutByScribbles(volume, { foreground, background }), truth)).toBeGreaterThan(0.97);
    // Without noise it is the ball itself.
    const clear = ballVolume(size, 7);
    expect(cutByScribbles(clear.volume, { foreground, background })).toEqual(clear.truth);
  });

  it('take the border of the box for the outside if none is given, and leave out what nobody scribbled on', () => {
    const { truth, volume } = ballVolume(size, 6);
    const voxels = volume.voxels.slice();
    // Another ball's worth of the same brightness, unconnected.
    const island = marked(
      size,
      [0, 1, 2].flatMap((x): Triple[] => [
        [3, 3, 22 + x],
        [4, 3, 22 + x],
      ]),
    );
    for (let at = 0; at < voxels.length; at++) if (island[at] === 1) voxels[at] = 120;
    const background = new Uint8Array(truth.length);
    expect(cutByScribbles({ ...volume, voxels }, { foreground, background })).toEqual(truth);
  });

  it('follow what was drawn where intensities say nothing, and never enter a barrier', () => {
    const { volume } = ballVolume(size, 0, { inside: 40 });
    const left = marked(
      size,
      [8, 9, 10, 11, 12].map((y): Triple => [10, y, 4]),
    );
    const right = marked(
      size,
      [8, 9, 10, 11, 12].map((y): Triple => [10, y, 24]),
    );
    const found = cutByScribbles(volume, { foreground: left, background: right });
    expect(found.filter((_, at) => left[at] === 1)).not.toContain(0);
    expect(found.filter((_, at) => right[at] === 1)).not.toContain(1);
    const { volume: ball } = ballVolume(size, 7);
    const barrier = marked(
      size,
      [...Array(20).keys()].flatMap((z) => [...Array(24).keys()].map((y): Triple => [z, y, 17])),
    );
    const cut = cutByScribbles(ball, { foreground, background: new Uint8Array(foreground.length), barrier });
    expect(cut).toContain(1);
    expect(cut.filter((_, at) => at % 28 >= 17)).not.toContain(1);
  });

  it('are nothing if nothing was scribbled inside', () => {
    const { truth, volume } = ballVolume(size, 6);
    const none = new Uint8Array(truth.length);
    expect(cutByScribbles(volume, { foreground: none, background: none })).not.toContain(1);
  });
});

describe('a threshold', () => {
  it('holds both its limits, and only where it may look', () => {
    const voxels = Int16Array.of(9, 10, 11, 20, 21);
    expect([...threshold({ voxels }, { low: 10, high: 20 })]).toEqual([0, 1, 1, 1, 0]);
    expect([...threshold({ voxels }, { low: 10, high: 20, within: Uint8Array.of(1, 0, 1, 0, 1) })]).toEqual([
      0, 0, 1, 0, 0,
    ]);
  });
});

describe('the box of a tool', () => {
  const grid = { size: [40, 100, 100] as Triple, spacingMm: [5, 1, 1] as Triple };

  it('is wider by a margin in mm, inside the series', () => {
    const box = boxAround(
      [
        [2, 50, 60],
        [4, 52, 60],
      ],
      grid,
      { marginMm: 20 },
    );
    expect(box).toEqual({ start: [0, 30, 40], size: [9, 43, 41] });
  });

  it('gives up its margin before what was marked, and says if that is too much', () => {
    const corners: Triple[] = [
      [0, 0, 0],
      [9, 9, 9],
    ];
    expect(boxAround(corners, grid, { marginMm: 50, voxelsMax: 1000 })).toEqual({
      start: [0, 0, 0],
      size: [10, 10, 10],
    });
    expect(boxAround(corners, grid, { marginMm: 50, voxelsMax: 999 })).toBeUndefined();
  });
});
