/** Records of experiments for tests. EVERY NUMBER IN THEM IS INVENTED. */
import { createRandom } from '@consilium/numerics';
import { inventedReliability } from '../record.fixture.ts';
import { configurationsOf, sha256 } from './expansion.ts';
import { parseExperiment } from './experiment-file.ts';
import { type ExperimentRecord, parseExperimentRecord, type RunRecord } from './experiment-record.ts';
import { runSettingsSchema } from './run-settings.ts';

export function inventedRun(
  configuration: string,
  { seed, score, cases = 8, settings = {} }: { seed: number; score: number | null; cases?: number; settings?: object },
): RunRecord {
  const digest = sha256([configuration, seed]);
  const rounds = [1, 2, 3].map((round) => ({
    round,
    score: score === null ? null : score - 0.1 * (3 - round),
    seconds: 10,
    weights: sha256([digest, round]),
    trained: ['site-1', 'site-2'].map((siteId) => ({ siteId, cases, steps: 5, ms: 10_000, meanLoss: 1 / round })),
    evaluated: ['site-1', 'site-2'].map((siteId) => ({ siteId, score })),
    leftOut: [],
  }));
  return {
    ...{
      digest,
      configuration,
      jobId: `job-${digest.slice(0, 8)}`,
      state: 'completed',
      reason: 'All rounds were run.',
    },
    settings: runSettingsSchema.parse({ ...settings, seed }),
    ...{ planSha256: sha256('plan'), model: sha256('model'), parameters: 1000, batchSize: 2, weightsBytes: 4000 },
    energyJoules: null,
    rounds,
    best: { round: 3, score, weights: sha256([digest, 3]) },
  };
}

function inventedSite(index: number) {
  const random = createRandom(5, 'site', index);
  const bell = (binWidth: number, centre: number, spread: number) => {
    const firstBin = Math.round((centre - 3 * spread) / binWidth);
    const bins = Math.ceil((6 * spread) / binWidth);
    const at = (bin: number) => ((firstBin + bin) * binWidth - centre) / spread;
    return {
      binWidth,
      firstBin,
      counts: Array.from({ length: bins }, (_, bin) => Math.round(500 * Math.exp(-(at(bin) ** 2)))),
    };
  };
  const pixels = bell(0.02, random.between(0.6, 0.9), 0.05);
  const slices = { binWidth: 0.02, firstBin: [50, 75, 150, 250][index % 4]!, counts: [20] };
  return {
    siteId: `site-${index + 1}`,
    cases: { train: 40, validation: 6, test: 8 },
    fingerprint: {
      ...{ version: 1, cases: 40, spacingMm: [slices, pixels, pixels], classes: [] },
      foregroundHu: bell(1, random.between(90, 160), random.between(20, 40)),
    },
  };
}

/**
 * Two networks, the second better by `gain`, each with so many patients a site and two seeds, tested on `patients` patients
 * of each of six sites, every third with two cases.
 */
export function inventedExperiment({ gain = 0.05, patients = 6, sizes = [4, 8, 16, 32] } = {}): ExperimentRecord {
  const experiment = parseExperiment({
    name: 'invented',
    vary: { network: ['unet', 'segresnet'], patientsPerSite: sizes },
    seeds: [1, 2],
    compare: { by: 'network', studiesFor: [0.7, 0.99] },
    test: 'all',
  });
  const configurations = configurationsOf(experiment);
  const level = ({ network, patientsPerSite }: { network?: unknown; patientsPerSite: unknown }): number =>
    0.8 - 0.5 * Number(patientsPerSite) ** -0.6 + (network === 'segresnet' ? gain : 0);
  const runs = configurations.flatMap(({ id, settings }) =>
    [1, 2].map((seed) =>
      inventedRun(id, { seed, settings, score: level(settings), cases: Number(settings.patientsPerSite) }),
    ),
  );
  const scores = runs.flatMap(({ digest, settings }) =>
    Array.from({ length: 6 }, (_, site) => `site-${site + 1}`).flatMap((siteId) =>
      Array.from({ length: Math.ceil((4 * patients) / 3) }, (_, index) => {
        const of = (...keys: (string | number)[]) => createRandom(3, siteId, index, ...keys).normal();
        const dice = Math.min(1, Math.max(0, level(settings) + 0.06 * of('case') + 0.02 * of(digest)));
        const referenceMl = index % 2 === 0 ? 10 : 60;
        return {
          ...{ run: digest, siteId, case: `case-${index + 10}`, patient: String(index % patients) },
          regions: {
            tumour: { dice, referenceMl, ece: 0.2 - 0.1 * dice, brier: 0.3 - 0.1 * dice },
            masses: { dice, referenceMl: referenceMl + 1, ece: 0.1, brier: 0.2 },
          },
        };
      }),
    ),
  );
  const reliability = runs.flatMap(({ digest, settings }) =>
    ['site-1', 'site-2'].map((siteId) => ({
      ...{ run: digest, siteId, regions: inventedReliability(settings.network === 'unet' ? 0.3 : 0.1) },
    })),
  );
  const standings = configurations.map(({ id, settings }) => ({ configuration: id, score: level(settings) }));
  const models = runs.map(({ best, configuration, digest, jobId }) => ({
    ...{ configuration, jobId, modelName: jobId, runSha256: digest, round: best!.round, weights: best!.weights },
  }));
  const experimentSha256 = sha256(experiment);
  return parseExperimentRecord({
    ...{ version: 1, experiment, experimentSha256, synthetic: true, software: {}, machine: '', command: '' },
    data: { sha256: sha256('data'), sites: Array.from({ length: 6 }, (_, index) => inventedSite(index)) },
    ...{ configurations, runs, rungs: [], scores, reliability },
    choice: { rule: 'all', standings, chosen: configurations.map(({ id }) => id) },
    ledger: { looks: [{ look: 1, at: '2026-11-26T05:00:00Z', reason: null, experimentSha256, rule: 'all', models }] },
  });
}
