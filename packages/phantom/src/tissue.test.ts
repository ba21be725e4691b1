import { describe, expect, it } from 'vitest';
import { type Contrast, hounsfield, iodineByKvp, type Phase, phases, type Tissue } from './tissue.ts';

const at = (phase: Phase): Contrast => ({ phase, lateness: 0, iodine: 1 });

/** Published means +- SD, or ranges, as [low, high] HU for NC, CM, NG, EX; sources in tissue.ts. */
const published: readonly [Tissue, ...(readonly [number, number])[]][] = [
  [
    'clear-cell',
    [34 - 7.1, 34 + 7.1],
    [173.1 - 45.2, 173.1 + 45.2],
    [148.8 - 34.3, 148.8 + 34.3],
    [98.2 - 36, 98.2 + 36],
  ],
  [
    'oncocytoma',
    [31.3 - 8.1, 31.3 + 8.1],
    [151.1 - 36, 151.1 + 36],
    [137.1 - 33.9, 137.1 + 33.9],
    [79.4 - 21.5, 79.4 + 21.5],
  ],
  ['papillary', [14.7, 50.7], [32.2, 99.5], [17.9, 90.8], [18, 73]],
  ['cortex', [30, 50]],
  ['medulla', [30, 50]],
];

describe('Hounsfield units', () => {
  it.each(published)('of %s lie in the published ranges', (tissue, ...ranges) => {
    for (const [index, [low, high]] of ranges.entries()) {
      const value = hounsfield(tissue, at(phases[index] as Phase));
      expect(value, `${tissue} ${phases[index]}`).toBeGreaterThanOrEqual(low);
      expect(value, `${tissue} ${phases[index]}`).toBeLessThanOrEqual(high);
    }
  });

  it('tell cortex from medulla in the corticomedullary phase only', () => {
    const difference = (phase: Phase): number => hounsfield('cortex', at(phase)) - hounsfield('medulla', at(phase));
    expect(difference('corticomedullary')).toBeGreaterThan(80);
    for (const phase of ['unenhanced', 'nephrographic', 'excretory'] as const)
      expect(Math.abs(difference(phase))).toBeLessThan(15);
  });

  it('brighten the collecting system in the excretory phase', () => {
    expect(hounsfield('pelvis', at('excretory'))).toBeGreaterThan(400);
    expect(hounsfield('pelvis', at('nephrographic'))).toBeLessThan(40);
  });

  it('enhance more the lower the tube voltage, and not at all without contrast', () => {
    const aorta = ([80, 100, 120, 140] as const).map((kvp) =>
      hounsfield('aorta', { phase: 'corticomedullary', lateness: 0, iodine: iodineByKvp[kvp] }),
    );
    expect(aorta).toEqual([...aorta].sort((a, b) => b - a));
    expect(hounsfield('aorta', { phase: 'unenhanced', lateness: 0.3, iodine: 1.7 })).toBe(42);
  });

  it('move towards the neighbouring phase when contrast comes late or early', () => {
    const medulla = (lateness: number): number =>
      hounsfield('medulla', { phase: 'corticomedullary', lateness, iodine: 1 });
    expect(medulla(0.3)).toBeGreaterThan(medulla(0));
    expect(medulla(-0.3)).toBe(medulla(0));
  });
});
