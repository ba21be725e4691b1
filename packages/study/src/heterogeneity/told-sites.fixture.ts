/** Sites that have described their data, for tests. EVERY NUMBER IN IT IS INVENTED. */
import { createRandom } from '@consilium/numerics';

export interface ToldSite {
  readonly cases: number;
  /** Of the scanner: moves densities. */
  readonly shiftHu: number;
  /** Cases of the phase that enhances; the others are unenhanced. */
  readonly enhanced: number;
  readonly thicknessMm: number;
}

const enhancementHu = 80;
/** By how much a patient's own kidney is denser than the mean; of bins of 1 HU. */
const spreadHu = 10;

function histogramOf(values: readonly number[]) {
  const bins = values.map(Math.round);
  const firstBin = Math.min(...bins);
  const counts = new Array<number>(Math.max(...bins) - firstBin + 1).fill(0);
  for (const bin of bins) counts[bin - firstBin]! += 1;
  return { binWidth: 1, firstBin, counts };
}

function momentsOf(values: readonly number[]) {
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    count: values.length,
    sum,
    squaredDeviations: values.reduce((s, v) => s + (v - sum / values.length) ** 2, 0),
  };
}

/** As `data.sites` of the record of an experiment has them. */
export function toldSites(sites: Readonly<Record<string, ToldSite>>) {
  return Object.entries(sites).map(([siteId, { cases, enhanced, shiftHu, thicknessMm }]) => {
    const random = createRandom(siteId, 'told');
    const patients = Array.from({ length: cases }, (_, index) => {
      const phase = index < enhanced ? 'nephrographic' : 'unenhanced';
      const hu = 40 + shiftHu + (index < enhanced ? enhancementHu : 0) + spreadHu * random.normal();
      return {
        phase,
        hu,
        voxels: Array.from({ length: 300 }, () => hu + 15 * random.normal()),
        ml: 5 + random.normal(),
      };
    });
    const phases = [...Map.groupBy(patients, ({ phase }) => phase)];
    const slices = { binWidth: 0.02, firstBin: Math.round(thicknessMm / 0.02), counts: [cases] };
    const features = phases.flatMap(([phase, own]) => [
      { name: 'class-1-hu-mean', phase, ...momentsOf(own.map(({ hu }) => hu)) },
      { name: 'class-1-volume-log-ml', phase, ...momentsOf(own.map(({ ml }) => ml)) },
      { name: 'slice-thickness-mm', phase, ...momentsOf(own.map(() => thicknessMm)) },
    ]);
    return {
      siteId,
      cases: { train: cases, validation: 3, test: 5 },
      fingerprint: {
        ...{ version: 1, cases, spacingMm: [slices, slices, slices], classes: [] },
        foregroundHu: histogramOf(patients.flatMap(({ voxels }) => voxels)),
        phases: phases.map(([phase, own]) => ({
          ...{ phase, cases: own.length, foregroundHu: histogramOf(own.flatMap(({ voxels }) => voxels)) },
        })),
      },
      description: { minimumCount: 3, groups: { vendor: { siemens: cases }, kernel: { soft: cases } }, features },
    };
  });
}
