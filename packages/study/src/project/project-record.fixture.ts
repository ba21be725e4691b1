/** A record of a project for tests. EVERY NUMBER IN IT IS INVENTED. */
import { createRandom } from '@consilium/numerics';
import { configurationsOf, sha256 } from '../experiment/expansion.ts';
import { parseExperiment } from '../experiment/experiment-file.ts';
import { inventedExperiment, inventedRun } from '../experiment/experiment-record.fixture.ts';
import { type ExperimentRecord, parseExperimentRecord } from '../experiment/experiment-record.ts';
import { toldSites } from '../heterogeneity/told-sites.fixture.ts';
import { inventedReliability } from '../record.fixture.ts';
import { type ProjectRecord, parseProjectRecord } from './project-record.ts';

const sites = Array.from({ length: 6 }, (_, index) => `site-${index + 1}`);
const studies = 20;
/** A grey pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';

/** Of two sets of labels, the second better by `gain`, with the test cases of `inventedExperiment`. */
function inventedLabels(gain: number): ExperimentRecord {
  const other = inventedExperiment();
  const experiment = parseExperiment({ name: 'labels', vary: { labels: ['manual', 'assisted'] }, test: 'all' });
  const configurations = configurationsOf(experiment);
  const runs = configurations.map(({ id, settings }) => inventedRun(id, { seed: 1, settings, score: 0.7 }));
  const [cases] = Object.values(Object.groupBy(other.scores, ({ run }) => run));
  const scores = runs.flatMap(({ digest }, at) =>
    cases!.map((score, index) => {
      const dice = 0.7 + at * gain + 0.05 * createRandom(index).normal() + 0.01 * createRandom(digest, index).normal();
      const metrics = { dice: Math.min(1, Math.max(0, dice)), referenceMl: 10, ece: 0.1 - at * 0.03, brier: 0.2 };
      return { ...score, run: digest, regions: { tumour: metrics } };
    }),
  );
  const reliability = runs.map(({ digest }, at) => ({
    ...{ run: digest, siteId: 'site-1', regions: inventedReliability(0.2 - at * 0.1) },
  }));
  const experimentSha256 = sha256(experiment);
  const standings = configurations.map(({ id }) => ({ configuration: id, score: 0.7 }));
  const choice = { rule: 'all', standings, chosen: configurations.map(({ id }) => id) };
  return parseExperimentRecord({
    ...{
      ...other,
      experiment,
      experimentSha256,
      configurations,
      runs,
      scores,
      reliability,
      choice,
      ledger: { looks: [] },
    },
  });
}

/** All together, and two sites alone: the first loses `gain` by that, the second wins as much. */
function inventedAlone(gain: number): ExperimentRecord {
  const other = inventedExperiment();
  const alone = ['site-1', 'site-2'].map((siteId) => ({ name: siteId, set: { participants: [siteId] } }));
  const vary = [{ name: 'together', set: {} }, ...alone];
  const experiment = parseExperiment({ name: 'alone', vary, compare: { by: 'participants' }, test: 'all' });
  const configurations = configurationsOf(experiment);
  const runs = configurations.map(({ id, settings }) => inventedRun(id, { seed: 1, settings, score: 0.7 }));
  const [cases] = Object.values(Object.groupBy(other.scores, ({ run }) => run));
  const scores = runs.flatMap(({ digest }, at) =>
    cases!.map((score, index) => {
      const dice = 0.7 + [0, -gain, gain][at]! + 0.01 * createRandom(digest, index).normal();
      return { ...score, run: digest, regions: { tumour: { dice, referenceMl: 10 } } };
    }),
  );
  const choice = { rule: 'all', standings: [], chosen: configurations.map(({ id }) => id) };
  const experimentSha256 = sha256(experiment);
  const sites = toldSites(Object.fromEntries(sitesAlike));
  return parseExperimentRecord({
    ...{ ...other, experiment, experimentSha256, configurations, runs, scores, choice, ledger: { looks: [] } },
    ...{ data: { ...other.data, sites }, reliability: [] },
  });
}

const sitesAlike = sites.map((siteId, index) => {
  return [siteId, { cases: 20, shiftHu: 5 * index, enhanced: 10 + index, thicknessMm: 1 + index }] as const;
});

/** The same where hospitals have described themselves, and have trained alone, too. */
export function inventedDescribed({ gain = 0.1 } = {}): ProjectRecord {
  const plain = inventedProject();
  const alone = inventedAlone(gain);
  const labels = { ...plain.experiments.labels, data: alone.data };
  const jobs = [...plain.jobs, ...alone.runs.map(({ jobId }, index) => ({ jobId, ledgerEntry: 60 + index }))];
  return { ...plain, experiments: { ...plain.experiments, labels, alone }, jobs };
}

/** Twenty studies of each of six sites; with a proposal a case takes `faster` minutes less, of ten. */
export function inventedProject({ faster = 6, gain = 0.05, isLetToPropose = true } = {}): ProjectRecord {
  const partOf = (study: number) => (study < 12 ? 'train' : study < 15 ? 'validation' : 'test');
  const readings = sites.flatMap((siteId) =>
    Array.from({ length: studies }, (_, study) => study).flatMap((study) =>
      (['first', 'second'] as const)
        .filter((phase) => phase === 'first' || partOf(study) !== 'validation')
        .map((phase) => {
          const random = createRandom(siteId, study, phase);
          const isAssisted = phase === 'second' && isLetToPropose;
          return {
            ...({ siteId, study: `study-${study}`, part: partOf(study), phase, reader: 'reader-1' } as const),
            how: isAssisted ? ('assisted' as const) : ('manual' as const),
            minutes: Math.max(0.5, 10 + random.normal() - (isAssisted ? faster : 0)),
            structures: [1, 2].map((number) => ({
              ...{ number, minutes: 1, editedVoxels: 10, fate: isAssisted ? ('edited' as const) : ('absent' as const) },
              proposalDice: isAssisted ? 0.8 : null,
            })),
            truthDice: { kidney: 0.9, tumour: 0.8 + 0.02 * random.uniform() },
          };
        }),
    ),
  );
  const smaller = inventedExperiment({ patients: 4, sizes: [4, 8, 16] });
  const experiments = { phaseOne: smaller, labels: inventedLabels(gain), studies: smaller };
  return parseProjectRecord({
    ...{ version: 1, title: 'An invented project', synthetic: true, seed: 1 },
    ...{ software: { consilium: '0' }, machine: 'none', command: 'consilium rehearse --full' },
    sites: sites.map((id, index) => ({
      ...{ id, name: `Hospital ${index + 1}`, profile: {} },
      flow: {
        admitted: studies + 1,
        excluded: [{ reason: 'failed-quality', studies: 1 }],
        split: { train: 12, validation: 3, test: 5 },
      },
      gate: { isChampion: isLetToPropose, reason: isLetToPropose ? 'better' : 'not-sure', cases: 3, dice: { 1: 0.8 } },
    })),
    structures: [
      { number: 1, name: 'Kidney' },
      { number: 2, name: 'Tumour' },
    ],
    scoredAgainst: 'what was invented',
    plan: 'A network that was invented',
    readings,
    readerModel: { text: 'Invented.', constants: [{ name: 'openSeconds', value: 30, unit: 's', source: 'invented' }] },
    experiments,
    jobs: experiments.labels.runs.map(({ jobId }, index) => ({ jobId, ledgerEntry: 40 + index })),
    ledger: { entries: 99, rootSha256: sha256('root'), keySha256: sha256('key') },
    pictures: [{ siteId: 'site-1', case: 'case-10', rank: 1, dice: 0.1, caption: 'A slice.', png }],
    pictureLegend: [{ label: 'reference', colour: '#ffd400' }],
    stages: [{ name: 'phantoms', seconds: 10 }],
  });
}
