import { describe, expect, it } from 'vitest';
import { labelEffort, type Measures, parseMeasures } from './label-effort.ts';

type Reading = Measures['readings'][number];
const reading = (
  caseId: string,
  phase: Reading['phase'],
  activeMinutes: number,
  structures: Reading['structures'] = [],
): Reading => ({
  ...{ caseId, phase, activeMinutes, structures, reader: 'reader-1' },
});
const structure = (fate: Reading['structures'][number]['fate'], editedVoxels: number, proposalDice?: number) => ({
  ...{ number: 1, activeMinutes: 1, editedVoxels, fate },
  ...(proposalDice === undefined ? {} : { proposalDice }),
});

describe('the effort of labels', () => {
  const cases = Array.from({ length: 10 }, (_, index) => `case-${index}`);
  const manual = cases.map((id, index) => reading(id, 'manual', 20 + index, [structure('absent', 1000)]));
  const assisted = cases.map((id, index) => reading(id, 'assisted', 10 + 1.5 * index, [structure('edited', 100, 0.9)]));

  it('pairs cases that were read both ways, and says how much faster they were', () => {
    const { editedVoxels, minutes, paired, proposals, readers } = labelEffort({
      a: { readings: [...manual, ...assisted] },
    });
    expect(minutes.manual.mean).toBeCloseTo(24.5, 12);
    expect(minutes.assisted.mean).toBeCloseTo(16.75, 12);
    expect(paired).toMatchObject({ cases: 10, rankBiserial: -1, minutes: { mean: expect.closeTo(-7.75, 9) } });
    expect(paired!.minutes.high).toBeLessThan(0);
    expect(paired!.wilcoxon).toEqual({ p: expect.closeTo(2 / 1024, 12), pairs: 10, method: 'exact' });
    expect([editedVoxels.manual.mean, editedVoxels.assisted.mean]).toEqual([1000, 100]);
    expect(proposals).toMatchObject({
      accepted: 0,
      edited: 10,
      redrawn: 0,
      dice: { mean: expect.closeTo(0.9, 12), cases: 10 },
    });
    expect(readers).toEqual({ manual: 1, assisted: 1 });
  });

  it('counts a case once, with the mean over its readers, and takes cases of two sites apart', () => {
    const twice = [reading('case-0', 'manual', 10), reading('case-0', 'manual', 30), reading('case-1', 'manual', 50)];
    const { minutes, paired } = labelEffort({
      a: { readings: twice },
      b: { readings: [reading('case-0', 'assisted', 5)] },
    });
    expect(minutes.manual).toMatchObject({ mean: 35, cases: 2 });
    expect(paired).toBeNull();
  });

  it('is the same for the same measures, in whatever order', () => {
    const readings = [...manual, ...assisted];
    expect(labelEffort({ a: { readings: readings.toReversed() } })).toEqual(labelEffort({ a: { readings } }));
  });

  it('is refused where the measures are none; what is new in them is left alone', () => {
    expect(() => parseMeasures({ readings: [{ caseId: 1 }] })).toThrow(
      expect.objectContaining({ code: 'study.input-malformed' }),
    );
    expect(parseMeasures({ readings: [{ ...manual[0], idleMinutes: 3 }], learning: {} }).readings).toEqual([manual[0]]);
  });
});
