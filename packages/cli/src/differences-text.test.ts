import { siteDifferences } from '@consilium/study';
import { expect, it } from 'vitest';
import { differencesText } from './differences-text.ts';

const histogram = (firstBin: number, binWidth = 1) => ({ binWidth, firstBin, counts: [2, 5, 3] });
const site = (siteId: string, hu: number) => ({
  ...{ siteId, cases: { train: 10, validation: 2, test: 3 } },
  fingerprint: {
    ...{ version: 1, cases: 10, spacingMm: [histogram(150, 0.02), histogram(40, 0.02), histogram(40, 0.02)] },
    ...{ foregroundHu: histogram(hu), classes: [] },
  },
});
const told = (siteId: string, hu: number, thickness: number) => {
  const moments = (mean: number) => ({ phase: null, count: 10, sum: 10 * mean, squaredDeviations: 90 });
  return {
    ...site(siteId, hu),
    description: {
      ...{ minimumCount: 3, groups: { vendor: { ge: 10 }, kernel: { soft: 6 } } },
      features: [
        { name: 'class-1-hu-mean', ...moments(hu) },
        { name: 'slice-thickness-mm', ...moments(thickness) },
      ],
    },
  };
};
const textOf = (sites: readonly ReturnType<typeof site>[]) =>
  differencesText(siteDifferences({ data: { sha256: '', sites: [...sites] }, scores: [] }));

it('tells how sites differ, how far each two are apart before and after, and what not to read into it', () => {
  const text = textOf([told('bonn', 100, 1), told('mainz', 140, 5)]);
  expect(text).toMatch(/^bonn +10 +3\.02 +1\.0 +101 +ge 10 +soft 6/m);
  expect(text).toMatch(/^intensity, HU$/m);
  expect(text).toMatch(/^bonn – mainz +40\.0 +0\.0$/m);
  expect(text).toMatch(/^bonn – mainz +0\.00 +0\.00 +4\.00$/m);
  expect(text).toMatch(/^two sites +As measured +After ComBat +by chance$/m);
  expect(text.match(/no proof that the hospitals are alike|not a better model|not the image/g)).toHaveLength(3);
});

it('tells of sites of before what they have told', () => {
  const text = textOf([site('bonn', 100), site('mainz', 140)]);
  expect(text).toMatch(/^bonn +10 +3\.02 +101$/m);
  expect(text).toContain('does not follow from what these sites tell');
});
