import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { compare } from './comparison.ts';
import { inventedRecord } from './record.fixture.ts';
import { parseRecord, type RehearsalRecord, type ScoreRow } from './record.ts';

const invented = parseRecord(inventedRecord({ sites: 3, testCases: 4 }));

/** Two sites with one test case each and one region; `dice[model][siteId]`. */
function tinyRecord(dice: Readonly<Record<string, Readonly<Record<string, number | null>>>>): RehearsalRecord {
  const [first, second] = invented.sites;
  const row = invented.scores[0]!;
  const scores = Object.entries(dice).flatMap(([model, sites]) =>
    Object.entries(sites).map(
      ([siteId, value]): ScoreRow => ({
        ...row,
        model,
        siteId,
        region: 'tumour',
        case: 'c',
        patient: 'p',
        dice: value,
      }),
    ),
  );
  const regions = invented.regions.filter((region) => region.id === 'tumour');
  return { ...invented, sites: [first!, second!], regions, scores };
}

const tiny = tinyRecord({
  federated: { 'site-1': 0.8, 'site-2': 0.6 },
  pooled: { 'site-1': 0.9, 'site-2': 0.6 },
  'local-site-1': { 'site-1': 0.7, 'site-2': 0.1 },
  'local-site-2': { 'site-1': 0.3, 'site-2': 0.5 },
});

describe('a comparison', () => {
  it('takes for local the mean over the sites’ models on all cases', () => {
    const { estimates } = compare(tiny);
    expect(estimates.federated['mean']!.mean).toBeCloseTo(0.7, 12);
    expect(estimates.pooled['mean']!.mean).toBeCloseTo(0.75, 12);
    expect(estimates.local['mean']!.mean).toBeCloseTo((0.7 + 0.1 + 0.3 + 0.5) / 4, 12);
  });

  it('tells a site’s own patients from the other sites’', () => {
    const { estimates, differences, atHome } = compare(tiny);
    expect(estimates['local-at-home']['mean']!.mean).toBeCloseTo(0.6, 12);
    expect(estimates['local-elsewhere']['mean']!.mean).toBeCloseTo(0.2, 12);
    expect(differences['local-elsewhere']['mean']!.mean).toBeCloseTo(0.5, 12);
    expect(atHome['site-1']!.mean).toBeCloseTo(0.1, 12);
    expect(atHome['site-2']!.mean).toBeCloseTo(0.1, 12);
  });

  it('counts the cases in which the federated model is better, worse and the same', () => {
    const { better, worse, equal, mean } = compare(tiny).differences.pooled['mean']!;
    expect({ better, worse, equal }).toEqual({ better: 0, worse: 1, equal: 1 });
    expect(mean).toBeCloseTo(-0.05, 12);
  });

  it('gives every model’s mean at every site', () => {
    const matrix = compare(tiny).matrix.find(({ model }) => model === 'local-site-1')!;
    expect(matrix.sites).toEqual({ 'site-1': 0.7, 'site-2': 0.1 });
    expect(matrix.overall).toBeCloseTo(0.4, 12);
  });

  it('leaves a case without a Dice out, in pairs too', () => {
    const record = tinyRecord({
      federated: { 'site-1': 0.8, 'site-2': null },
      'local-site-1': { 'site-1': 0.5, 'site-2': 0.4 },
    });
    const { estimates, differences } = compare(record);
    expect(estimates.federated['tumour']).toMatchObject({ mean: 0.8, cases: 1 });
    expect(differences.local['tumour']!.mean).toBeCloseTo(0.3, 12);
    expect(differences.local['tumour']!.cases).toBe(1);
    expect(differences.pooled['tumour']!.cases).toBe(0);
  });

  it('takes the mean over the regions of one case before the mean over cases', () => {
    const { estimates } = compare(invented);
    const ofRegions = invented.regions.map((region) => estimates.federated[region.id]!.mean);
    expect(estimates.federated['mean']!.mean).toBeCloseTo(ofRegions.reduce((sum, value) => sum + value, 0) / 3, 12);
  });

  it('does not depend on the order of rows, jobs and sites', () => {
    const random = createRandom(5);
    const shuffled = {
      ...invented,
      scores: random.shuffle(invented.scores),
      jobs: invented.jobs.toReversed(),
      sites: invented.sites.toReversed(),
    };
    const { matrix, ...rest } = compare(shuffled);
    const { matrix: expected, ...expectedRest } = compare(invented);
    expect(rest).toEqual(expectedRest);
    expect(matrix.toReversed()).toEqual(expected);
  });

  it('depends on nothing but the record', () => {
    expect(compare(invented)).toEqual(compare(invented));
    const other = compare({ ...invented, seed: invented.seed + 1 });
    expect(other.estimates.federated['mean']!.mean).toBe(compare(invented).estimates.federated['mean']!.mean);
    expect(other.estimates.federated['mean']!.low).not.toBe(compare(invented).estimates.federated['mean']!.low);
  });

  it('keeps infinite distances out of the median and counts them as missed or invented', () => {
    const base = invented.scores[0]!;
    const row = (siteId: string, change: Partial<ScoreRow>): ScoreRow => ({
      ...base,
      model: 'federated',
      region: 'tumour',
      case: 'c',
      patient: 'p',
      siteId,
      ...change,
    });
    const scores = [
      row('site-1', { dice: 0.9, hd95Mm: 4, volumeErrorMl: 1 }),
      row('site-2', { dice: 0, hd95Mm: null, volumeErrorMl: -7 }),
      row('site-3', { dice: 0, hd95Mm: null, volumeErrorMl: 3 }),
      { ...row('site-3', { dice: null, nsd: null, hd95Mm: null, volumeErrorMl: 0 }), case: 'd' },
    ];
    const { hd95MedianMm, missedShare, inventedShare } = compare({ ...invented, scores }).secondary.federated[
      'tumour'
    ]!;
    expect({ hd95MedianMm, missedShare, inventedShare }).toEqual({
      hd95MedianMm: 4,
      missedShare: 0.25,
      inventedShare: 0.25,
    });
  });
});
