import { createRandom } from '@consilium/numerics';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StudyError } from '../study-error.ts';
import { choiceOf, standingsOf } from './choice.ts';
import { configurationsOf, type RunContext, runsOf, shortened } from './expansion.ts';
import { parseExperiment } from './experiment-file.ts';
import { inventedRun } from './experiment-record.fixture.ts';
import type { RunRecord } from './experiment-record.ts';
import { promoted, rungRounds } from './halving.ts';
import { type LookWanted, withLook } from './test-ledger.ts';

const context: RunContext = {
  software: '1.0.0',
  dataSha256: 'ab'.repeat(32),
  participants: ['site-1', 'site-2'],
  minimumSites: 2,
};
const grid = { name: 'grid', vary: { network: ['unet', 'segresnet'], width: [8, 16, 32] }, seeds: [1, 2] };

describe('an experiment file', () => {
  it('is every combination of a grid, the last setting fastest, each with every seed', () => {
    const experiment = parseExperiment(grid);
    expect(configurationsOf(experiment).map(({ label }) => label)).toEqual([
      'network unet, width 8',
      'network unet, width 16',
      'network unet, width 32',
      'network segresnet, width 8',
      'network segresnet, width 16',
      'network segresnet, width 32',
    ]);
    expect(runsOf(experiment, context).map(({ settings }) => settings.seed)).toEqual([
      1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2,
    ]);
  });

  it('may list configurations by name instead, and may vary nothing', () => {
    const listed = parseExperiment({
      name: 'listed',
      base: { width: 8 },
      vary: [
        { name: 'plain', set: {} },
        { name: 'pulled', set: { strategy: { kind: 'fed-prox', mu: 0.01 } } },
      ],
    });
    expect(configurationsOf(listed).map(({ label, settings }) => [label, settings.strategy, settings.width])).toEqual([
      ['plain', 'fed-avg', 8],
      ['pulled', { kind: 'fed-prox', mu: 0.01 }, 8],
    ]);
    expect(configurationsOf(parseExperiment({ name: 'one' }))).toMatchObject([{ label: 'base' }]);
  });

  it('is the same run under the same digest whatever the file calls it, and another for whatever decides it', () => {
    const digests = (change: object, other: Partial<RunContext> = {}) =>
      runsOf(parseExperiment({ ...grid, ...change }), { ...context, ...other }).map(({ digest }) => digest);
    const plain = digests({});
    expect(new Set(plain).size).toBe(12);
    expect(digests({ name: 'another', question: 'Why?', limits: { jobsAtOnce: 4 }, test: 'all' })).toEqual(plain);
    expect(digests({ vary: { width: [32, 16, 8], network: ['segresnet', 'unet'] } }).sort()).toEqual(plain.toSorted());
    expect(digests({}, { participants: ['site-2', 'site-1'] })).toEqual(plain);
    for (const changed of [
      digests({ base: { rounds: 99 } }),
      digests({ base: { patientsPerSite: '50 %' } }),
      digests({ seeds: [3, 4] }),
      digests({}, { dataSha256: 'cd'.repeat(32) }),
      digests({}, { software: '1.0.1' }),
      digests({}, { participants: ['site-1'] }),
    ]) {
      expect(changed.filter((digest) => plain.includes(digest))).toEqual([]);
    }
  });

  it.each([
    ['name', { name: 'Ünïcode' }],
    ['base', { base: { widht: 8 } }],
    ['base.width', { base: { width: 0 } }],
    ['base.patientsPerSite', { base: { patientsPerSite: '120 %' } }],
    ['two configurations that are the same', { vary: { width: [8, 8] } }],
    ['two entries', { vary: [8, 16].map((width) => ({ name: 'a', set: { width } })) }],
    ['"seed" is varied with "seeds"', { vary: { seed: [1, 2] } }],
    ['needs "compare.by"', { compare: { baseline: 8 } }],
    ['leave out "halving"', { halving: { firstRounds: 2 }, compare: { studiesFor: [0.8] } }],
    [
      'more than 10000 runs',
      {
        vary: { width: Array.from({ length: 200 }, (_, index) => index + 1) },
        seeds: Array.from({ length: 60 }, (_, index) => index),
      },
    ],
  ])('is refused where it is wrong: %s', (what, change) => {
    const parse = () => configurationsOf(parseExperiment({ name: 'x', ...change }));
    expect(parse).toThrow(StudyError);
    expect(parse).toThrow(what);
    expect(parse).toThrow(expect.objectContaining({ code: 'study.experiment-malformed' }));
  });
});

describe('successive halving', () => {
  it('has rungs that grow by the factor up to the whole training', () => {
    expect(rungRounds(100, { firstRounds: 4, factor: 3 })).toEqual([4, 12, 36, 100]);
    expect(rungRounds(3, { firstRounds: 4, factor: 3 })).toEqual([3]);
  });

  it('lets the better ones go on, the first of equals, whatever order they are in', () => {
    const scores = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 2, max: 5 }), fc.integer(), (values, factor, seed) => {
        const standings = values.map((value, index) => ({ configuration: `c${index}`, score: value / 1000 }));
        const kept = promoted(standings, factor);
        expect(kept).toHaveLength(Math.max(1, Math.floor(values.length / factor)));
        const worstKept = Math.min(
          ...standings.filter(({ configuration }) => kept.includes(configuration)).map(({ score }) => score),
        );
        for (const { configuration, score } of standings)
          if (!kept.includes(configuration)) expect(score).toBeLessThan(worstKept);
        expect(promoted(createRandom(seed).shuffle(standings), factor).sort()).toEqual(kept.toSorted());
      }),
    );
    const tie = ['a', 'b', 'c'].map((configuration) => ({ configuration, score: 0.5 }));
    expect(promoted(tie, 2)).toEqual(['a']);
    expect(promoted([{ configuration: 'none', score: null }, ...tie], 2)).toEqual(['a', 'b']);
  });

  it('is another run where rounds are fewer, and the same one at the end', () => {
    const [run] = runsOf(parseExperiment({ name: 'x', base: { rounds: 10 } }), context);
    expect(shortened(run!, 10, context)).toBe(run);
    const short = shortened(run!, 4, context);
    expect([short.settings.rounds, short.digest === run!.digest]).toEqual([4, false]);
  });
});

describe('the choice of what is tested', () => {
  const runs = [
    inventedRun('a', { seed: 1, score: 0.6 }),
    inventedRun('a', { seed: 2, score: 0.8 }),
    inventedRun('b', { seed: 1, score: 0.75 }),
    inventedRun('b', { seed: 2, score: 0.71 }),
    inventedRun('c', { seed: 1, score: 0.99 }),
    inventedRun('c', { seed: 2, score: null }),
  ];
  const failed: RunRecord = { ...inventedRun('e', { seed: 1, score: 0.9 }), state: 'failed' };
  const standings = standingsOf(['a', 'b', 'c', 'd', 'e'], [...runs, failed]);

  it('stands on the mean validation over the seeds, of configurations all of whose runs have come to their end', () => {
    expect(standings.map(({ score }) => score)).toEqual([0.7, 0.73, null, null, null]);
    expect(choiceOf({ test: 'best' }, standings).chosen).toEqual(['b']);
    expect(choiceOf({ test: { best: 5 } }, standings).chosen).toEqual(['b', 'a']);
    expect(choiceOf({ test: 'all' }, standings).chosen).toEqual(['a', 'b']);
    expect(choiceOf({ test: 'none' }, standings).chosen).toEqual([]);
  });
});

describe('the ledger of the test', () => {
  const model = (name: string, weights = 'cd') => ({
    ...{ configuration: 'a', runSha256: 'ab'.repeat(32), jobId: name, round: 3 },
    ...{ weights: weights.repeat(32), modelName: name },
  });
  const wanted = (names: readonly string[], lookAgain: string | null = null): LookWanted => ({
    ...{ at: '2026-11-26T05:00:00Z', experimentSha256: 'ef'.repeat(32), rule: 'the best' },
    models: names.map((name) => model(name)),
    lookAgain,
  });
  const first = withLook({ looks: [] }, wanted(['one', 'two']));

  it('lets one look be taken, and taken up again where it was interrupted', () => {
    expect(first.looks).toMatchObject([{ look: 1, reason: null }]);
    expect(withLook(first, wanted(['one', 'two']))).toBe(first);
    expect(withLook(first, wanted(['two']))).toBe(first);
  });

  it('refuses a second look, and records the reason of whoever insists', () => {
    for (const models of [wanted(['three']), { ...wanted([]), models: [model('one', 'ce')] }]) {
      expect(() => withLook(first, models)).toThrow(expect.objectContaining({ code: 'study.test-set-spent' }));
    }
    const again = withLook(first, wanted(['three'], 'a reviewer asked'));
    expect(again.looks).toMatchObject([{ look: 1 }, { look: 2, reason: 'a reviewer asked' }]);
    expect(withLook({ looks: [] }, wanted(['one'], 'not needed')).looks).toMatchObject([{ reason: null }]);
  });
});
