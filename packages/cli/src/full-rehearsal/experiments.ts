/** What is trained in a full rehearsal: four experiments whose runs know each other, so that none is trained twice. */
import { type Experiment, parseExperiment } from '@consilium/study';
import type { RehearsalSettings } from '../rehearsal-settings.ts';

export const experimentNames = ['phase-one', 'labels', 'studies', 'alone'] as const;
export type ExperimentName = (typeof experimentNames)[number];

/** Two architectures; the first is that of both phases. */
const networks = ['unet', 'segresnet'] as const;
const patientsPerSite = ['25 %', '50 %', 'all'] as const;

export function experimentsOf(settings: RehearsalSettings): Readonly<Record<ExperimentName, Experiment>> {
  const base = {
    ...{ network: networks[0], memoryBudgetMb: settings.memoryBudgetMb, ...sizeOf(settings) },
    ...{ rounds: settings.rounds, localSteps: settings.steps, patience: settings.patience },
    minimumGain: settings.minimumGain,
  };
  const common = { seeds: [settings.seed], limits: { jobsAtOnce: 1, minimumSites: settings.minimumSites } };
  return {
    'phase-one': parseExperiment({
      ...{ ...common, name: 'phase-one', question: 'The model that is to help in the second phase.' },
      ...{ base: { ...base, labels: 'manual' }, test: 'none' },
    }),
    labels: parseExperiment({
      ...{ ...common, name: 'labels', question: 'Is the model better that was trained on corrected proposals?' },
      ...{ base, vary: { labels: ['manual', 'assisted'] }, test: 'all' },
      compare: { by: 'labels', baseline: 'manual' },
    }),
    studies: parseExperiment({
      ...{ ...common, name: 'studies', question: 'How many studies does a site need, and which network?' },
      ...{ base: { ...base, labels: 'assisted' }, vary: { network: networks, patientsPerSite }, test: 'all' },
      compare: { by: 'network', studiesFor: [0.7, 0.8, 0.9] },
    }),
    alone: parseExperiment({
      ...{ ...common, name: 'alone', question: 'Which hospital gains from training together, and which loses?' },
      ...{ base: { ...base, labels: 'assisted' }, vary: togetherAndAlone(settings), test: 'all' },
      compare: { by: 'participants' },
    }),
  };
}

function togetherAndAlone({ sites }: RehearsalSettings) {
  const names = Array.from({ length: sites }, (_, index) => `site-${index + 1}`);
  return [
    { name: 'together', set: {} },
    ...names.map((name) => ({ name: `${name} alone`, set: { participants: [name] } })),
  ];
}

/** Of networks; those for tiny studies learn nothing, and that quickly. */
function sizeOf({ detail }: RehearsalSettings) {
  if (detail === 'tiny') return { detail: 'small', width: 4, depth: 2 } as const;
  return { detail };
}

/** Jobs that are trained in all, none of them twice; those of one hospital together are as much work as one of all. */
export const trainingJobs = 1 + 1 + networks.length * patientsPerSite.length - 1 + 1;
