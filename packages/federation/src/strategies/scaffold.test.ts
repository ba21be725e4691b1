import { tensor, type Weights } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { controlAfter, controlCorrection } from '../local-control.ts';
import { Aggregation } from './aggregation.fixture.ts';
import { fedAvg } from './fed-avg.ts';
import { scaffold } from './scaffold.ts';

/** ½a(w - t)² at each site: curvatures and optima that differ. */
interface Site {
  readonly curvature: number;
  readonly target: number;
}
const rate = 0.1;
const steps = 8;

const weightsOf = (value: number): Weights => new Map([['w', tensor('float64', [1], new Float64Array([value]))]]);
const valueIn = (weights: Weights): number => Number(weights.get('w')?.data[0] ?? 0);

/** What a site does in a round, with its control variate and the gradients that it met. */
function localRound(site: Site, sent: number, control: number, own: number) {
  const variates = { control: weightsOf(control), own: own === 0 ? new Map() : weightsOf(own) };
  const correction = valueIn(controlCorrection(variates));
  let weights = sent;
  let gradients = 0;
  for (let step = 0; step < steps; step++) {
    const gradient = site.curvature * (weights - site.target);
    gradients += gradient;
    weights -= rate * (gradient + correction);
  }
  const after = controlAfter({
    ...variates,
    sent: weightsOf(sent),
    trained: weightsOf(weights),
    rateSum: steps * rate,
  });
  return { weights, own: valueIn(after.own), change: valueIn(after.change), meanGradient: gradients / steps };
}

const sites: readonly Site[] = [
  { curvature: 0.2, target: 3 },
  { curvature: 2, target: -1 },
  { curvature: 1, target: 5 },
];

describe('SCAFFOLD', () => {
  it('reaches the optimum of all sites together, where FedAvg drifts to another place', async () => {
    const strategy = scaffold({ learningRate: 1 });
    const aggregation = await Aggregation.from([0], strategy);
    const plain = await Aggregation.from([0], fedAvg());
    const own = sites.map(() => 0);
    let [weights, drifting] = [0, 0];
    for (let round = 0; round < 150; round++) {
      const [control] = await aggregation.state('control');
      const answers = sites.map((site, index) => localRound(site, weights, control!, own[index]!));
      answers.forEach((answer, index) => {
        own[index] = answer.own;
      });
      [weights] = (await aggregation.round(
        strategy,
        answers.map((answer) => ({ weights: [answer.weights], controlChange: [answer.change] })),
      )) as [number];
      const plainly = sites.map((site) => ({ weights: [localRound(site, drifting, 0, 0).weights] }));
      [drifting] = (await plain.round(fedAvg(), plainly)) as [number];
    }
    const mean = (weightOf: (site: Site) => number): number =>
      sites.reduce((sum, site) => sum + weightOf(site) * site.target, 0) /
      sites.reduce((sum, site) => sum + weightOf(site), 0);
    expect(weights).toBeCloseTo(
      mean(({ curvature }) => curvature),
      6,
    );
    // FedAvg stands still where the sites' movements cancel: each moves by 1 - (1 - ηa)^K of its way.
    expect(drifting).toBeCloseTo(
      mean(({ curvature }) => 1 - (1 - rate * curvature) ** steps),
      6,
    );
    expect(Math.abs(weights - drifting)).toBeGreaterThan(0.1);
  });

  it('of sites that take part moves the control variate by their share of all sites, and weights all alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            w: fc.integer({ min: -99, max: 99 }),
            c: fc.integer({ min: -99, max: 99 }),
            cases: fc.integer({ min: 1, max: 9 }),
          }),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        fc.nat(9),
        async (answers, absent) => {
          const strategy = scaffold({ learningRate: 0.5 });
          const aggregation = await Aggregation.from([1, 0], strategy);
          const participants = answers.length + absent;
          const weights = await aggregation.round(
            strategy,
            answers.map(({ w, c, cases }) => ({ weights: [w, 0], controlChange: [c, 1], cases })),
            participants,
          );
          const sum = (of: 'w' | 'c') => answers.reduce((total, answer) => total + answer[of], 0);
          expect(weights[0]).toBeCloseTo(1 + 0.5 * (sum('w') / answers.length - 1), 9);
          const control = await aggregation.state('control');
          expect(control[0]).toBeCloseTo(sum('c') / participants, 9);
          expect(control[1]).toBeCloseTo(answers.length / participants, 9);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('a site in SCAFFOLD', () => {
  it('has the mean of the gradients that it met as its new control variate, whatever the old ones were', () => {
    const finite = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(finite, finite, finite, (sent, control, own) => {
        const { own: next, change, meanGradient } = localRound(sites[1]!, sent, control, own);
        expect(next).toBeCloseTo(meanGradient, 9);
        expect(change).toBeCloseTo(meanGradient - own, 9);
      }),
    );
  });
});
