import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestRound, decide } from './stopping.ts';

const rule = { patience: 3, minimumGain: 0.01, roundsMax: 100 };

describe('training stops', () => {
  it.each([
    ['not while every round gains', [0.1, 0.2, 0.3, 0.4], 'continue'],
    ['not before patience is over', [0.5, 0.5, 0.5], 'continue'],
    ['after as many rounds without a gain as patience allows', [0.5, 0.5, 0.5, 0.5], 'stop'],
    ['when gains are smaller than the minimum', [0.5, 0.502, 0.504, 0.506], 'stop'],
    ['not while small gains add up to the minimum', [0.5, 0.504, 0.508, 0.512, 0.516, 0.52], 'continue'],
    ['when the score falls', [0.5, 0.4, 0.3, 0.2], 'stop'],
    ['never for want of a score', [null, null, null, null, null], 'continue'],
  ] as const)('%s', (_, scores, kind) => {
    expect(decide(scores, rule).kind).toBe(kind);
  });

  it.each([
    ['not after a round that was not scored', [null, 0.5, null, 0.5, null], 'continue'],
    ['after one that was', [null, 0.5, null, 0.5, null, 0.5], 'stop'],
  ] as const)('%s, where every second is', (_, scores, kind) => {
    expect(decide(scores, { ...rule, evaluateEvery: 2 }).kind).toBe(kind);
  });

  it('at the last round in any case, and says so', () => {
    expect(decide([0.1, 0.2], { ...rule, roundsMax: 2 })).toMatchObject({ reason: { code: 'rounds-used-up' } });
  });

  it('with a reason that names the best round', () => {
    expect(decide([0.1, 0.61234, 0.5, 0.5, 0.5], rule)).toMatchObject({
      reason: { code: 'no-longer-improving', text: expect.stringMatching(/0\.6123 in round 2/) },
    });
  });

  it('no earlier with more patience', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true })),
        fc.integer({ min: 1, max: 9 }),
        (scores, patience) => {
          const more = decide(scores, { ...rule, patience: patience + 1 }).kind;
          return more === 'continue' || decide(scores, { ...rule, patience }).kind === 'stop';
        },
      ),
    );
  });
});

describe('the best round', () => {
  it('is the earliest of those with the highest score', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 5 })), { minLength: 1 }), (scores) => {
        const known = scores.filter((score) => score !== null);
        const expected = known.length === 0 ? scores.length : scores.indexOf(Math.max(...known)) + 1;
        expect(bestRound(scores)).toBe(expected);
      }),
    );
  });
});
