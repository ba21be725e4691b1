/** The record of a small experiment over two networks and three numbers of patients. EVERY NUMBER IN IT IS INVENTED. */
import { createRandom } from '@consilium/numerics';
import { configurationsOf, parseExperiment, type RunSettings, sha256 } from '@consilium/study';

const sites = ['mainz', 'ulm'];
const sizes = [4, 8, 16];

/** As JSON, as `consilium experiment run` leaves it. */
export function toyExperiment(fingerprint: unknown): object {
  const experiment = parseExperiment({
    ...{ name: 'widths', question: 'Is the wider network better?', seeds: [1], test: 'all' },
    vary: { network: ['unet', 'segresnet'], patientsPerSite: sizes },
    compare: { by: 'network', studiesFor: [0.7] },
  });
  const configurations = configurationsOf(experiment);
  const runs = configurations.map(({ id, settings }) => runOf(id, settings));
  const standings = configurations.map(({ id, settings }) => ({ configuration: id, score: levelOf(settings) }));
  const models = runs.map(({ best, configuration, digest, jobId }) => ({
    ...{ configuration, jobId, modelName: jobId, runSha256: digest, round: best.round, weights: best.weights },
  }));
  const experimentSha256 = sha256(experiment);
  const look = { look: 1, at: '2026-11-26T05:00:00Z', reason: null, experimentSha256, rule: 'all', models };
  return {
    ...{
      version: 1,
      experiment,
      experimentSha256,
      synthetic: true,
      software: { consilium: '0.1.0' },
      machine: 'a toy',
    },
    ...{ command: 'consilium experiment run', configurations, runs, rungs: [] },
    data: {
      sha256: sha256('data'),
      sites: sites.map((siteId) => ({ siteId, cases: { train: 30, validation: 4, test: 6 }, fingerprint })),
    },
    choice: { rule: 'all', standings, chosen: configurations.map(({ id }) => id) },
    ledger: { looks: [look] },
    scores: runs.flatMap(({ digest, settings }) => scoresOf(digest, settings)),
  };
}

function levelOf({ network, patientsPerSite }: RunSettings): number {
  return 0.8 - 0.5 * Number(patientsPerSite) ** -0.5 + (network === 'segresnet' ? 0.05 : 0);
}

function runOf(configuration: string, settings: RunSettings) {
  const digest = sha256([configuration]);
  const cases = Number(settings.patientsPerSite);
  const rounds = Array.from({ length: settings.rounds }, (_, index) => ({
    ...{ round: index + 1, score: levelOf(settings), seconds: cases, weights: sha256([digest, index]), leftOut: [] },
    trained: sites.map((siteId) => ({ siteId, cases, steps: 5, ms: 1000, meanLoss: 0.5 })),
    evaluated: sites.map((siteId) => ({ siteId, score: levelOf(settings) })),
  }));
  const { round, score, weights } = rounds.at(-1)!;
  return {
    ...{ digest, configuration, settings, jobId: `widths-${configuration}`, state: 'completed', reason: 'All rounds.' },
    ...{ planSha256: sha256('plan'), model: sha256('model'), parameters: cases * 1000, batchSize: 2 },
    ...{ weightsBytes: 4000, energyJoules: null, rounds, best: { round, score, weights } },
  };
}

function scoresOf(run: string, settings: RunSettings): object[] {
  return sites.flatMap((siteId) =>
    Array.from({ length: 6 }, (_, index) => {
      const random = createRandom(7, run, siteId, index);
      const dice = Math.min(1, levelOf(settings) + random.between(-0.05, 0.05));
      const patient = `patient-${index + 1}`;
      return { run, siteId, case: `case-0${index + 1}`, patient, regions: { tumour: { dice } } };
    }),
  );
}
