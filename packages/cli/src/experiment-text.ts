/** What an experiment says, for people at a terminal. */
import type { ExperimentAnalysis, ExperimentRecord, LabelEffort } from '@consilium/study';
import { textTable } from './answer.ts';

type ConfigurationResult = ExperimentAnalysis['configurations'][number];
type CurveResult = ExperimentAnalysis['curves'][number];
type Estimate = NonNullable<ConfigurationResult['test']>;

export function experimentText(record: ExperimentRecord, analysis: ExperimentAnalysis): string {
  const isCalibrationKnown = analysis.configurations.some(({ calibration }) => calibration !== null);
  const rows = analysis.configurations.map((each) => [
    each.label,
    number(each.validation),
    interval(each.test),
    ...(isCalibrationKnown ? [interval(each.calibration?.ece ?? null)] : []),
    String(each.seeds),
    clock(each.cost.seconds),
    number(each.cost.patchesPerSecond, 1),
    megabytes(each.cost.bytes),
    each.cost.energyJoules === null ? 'not reported' : `${(each.cost.energyJoules / 1000).toFixed(1)} kJ`,
  ]);
  const head = [
    ...['configuration', 'validation', 'test Dice (95 %)'],
    ...(isCalibrationKnown ? ['calibration error (95 %)'] : []),
    ...['seeds', 'trained', 'patches/s', 'sent', 'energy'],
  ];
  const failed = record.runs.filter(({ state }) => state === 'failed');
  return [
    ...(record.experiment.question === '' ? [] : [record.experiment.question, '']),
    textTable([head, ...rows]),
    ...secondsText(analysis),
    '',
    tested(record, analysis),
    ...failed.map(({ jobId, reason }) => `${jobId} has failed: ${reason}`),
    ...analysis.curves.flatMap(curveText),
  ].join('\n');
}

function secondsText({ configurations }: ExperimentAnalysis): string[] {
  const trained = configurations.filter(({ seeds }) => seeds > 0);
  const lines = trained.flatMap(({ label, secondsTo }) =>
    secondsTo.map(
      ({ score, seconds }) =>
        `${label}: validation Dice ${score} ${seconds === null ? 'never reached' : `after ${clock(seconds)}`}`,
    ),
  );
  return lines.length === 0 ? [] : ['', ...lines];
}

function tested({ choice, ledger }: ExperimentRecord, { testCases, testPatients }: ExperimentAnalysis): string {
  if (ledger.looks.length === 0) return 'The test patients have not been asked.';
  const again = ledger.looks.slice(1).map(({ at, reason }) => ` Asked again ${at}: ${reason}.`);
  return `Tested on ${testCases} cases of ${testPatients} patients: ${choice.rule}.${again.join('')}`;
}

function curveText({ curve, label, needed }: CurveResult): string[] {
  if (curve.kind === 'too-few-sizes') {
    return ['', `${label}: ${curve.sizes} numbers of studies are too few for a learning curve; three are needed.`];
  }
  const { ceiling, gap, rate } = curve.law;
  return [
    '',
    `${label}: Dice = ${ceiling.toFixed(3)} - ${gap.toFixed(3)} n^-${rate.toFixed(2)} for n studies a site, ${curve.seeds === 1 ? 'one seed: how much training varies is not in the intervals' : `${curve.seeds} seeds`}`,
    ...needed.map(({ answer, score, shareReaching }) => {
      const share = `${Math.round(100 * shareReaching)} % of resamples reach it`;
      if (answer.kind === 'not-reachable') {
        return `  Dice ${score}: not reachable, the curve levels off at ${answer.ceiling.toFixed(3)} (${share})`;
      }
      const high = answer.high === null ? 'no upper end' : studies(answer.high);
      const beyond = answer.extrapolated ? ', extrapolated' : '';
      return `  Dice ${score}: ${studies(answer.studies)} studies a site (${studies(answer.low)} to ${high}${beyond}; ${share})`;
    }),
  ];
}

export function comparisonText(record: ExperimentRecord, { comparisons }: ExperimentAnalysis): string {
  if (comparisons.length === 0) return 'Fewer than two configurations were tested: there is nothing to compare.';
  const labelOf = (configuration: string): string =>
    record.configurations.find(({ id }) => id === configuration)!.label;
  const isCalibrationKnown = comparisons.some(({ eceDifference }) => eceDifference !== null);
  const rows = comparisons.map((pair) => [
    `${labelOf(pair.second)} less ${labelOf(pair.first)}`,
    interval(pair.difference, true),
    ...(isCalibrationKnown ? [interval(pair.eceDifference, true)] : []),
    pValue(pair.wilcoxon.p),
    pValue(pair.permutation.p),
    pValue(pair.pHolm),
    pValue(pair.pBenjaminiHochberg),
    number(pair.rankBiserial, 2),
    number(pair.cohensDz, 2),
  ]);
  const head = [
    ...['difference', 'Dice (95 %)', ...(isCalibrationKnown ? ['calibration error (95 %)'] : [])],
    ...['Wilcoxon', 'permutation', 'Holm', 'BH', 'rank-biserial', 'd_z'],
  ];
  const siteIds = Object.keys(comparisons[0]!.differenceBySite);
  const sites = comparisons.map(({ differenceBySite, first, second }) => [
    `${labelOf(second)} less ${labelOf(first)}`,
    ...siteIds.map((siteId) => {
      const estimate = differenceBySite[siteId] ?? null;
      return estimate === null ? 'too few' : interval(estimate, true);
    }),
  ]);
  return [textTable([head, ...rows]), '', textTable([['by site', ...siteIds], ...sites])].join('\n');
}

export function labelEffortText({ editedVoxels, minutes, paired, proposals, readers }: LabelEffort): string {
  const rows = (['manual', 'assisted'] as const).map((phase) => [
    phase,
    String(minutes[phase].cases),
    String(readers[phase]),
    interval(minutes[phase], false, 1),
    interval(editedVoxels[phase], false, 0),
  ]);
  const { accepted, dice, edited, redrawn } = proposals;
  const pairs =
    paired === null
      ? 'No case was read both ways.'
      : `Cases read both ways: ${paired.cases};  assisted less manual ${interval(paired.minutes, true, 1)} minutes; Wilcoxon p ${pValue(paired.wilcoxon.p)}, rank-biserial ${number(paired.rankBiserial, 2)}`;
  return [
    textTable([['labels', 'cases', 'readers', 'active minutes (95 %)', 'edited voxels (95 %)'], ...rows]),
    '',
    pairs,
    `Proposals: ${accepted} accepted, ${edited} edited, ${redrawn} redrawn; Dice with what was handed in ${interval(dice)}`,
  ].join('\n');
}

function number(value: number | null, digits = 3): string {
  return value === null || !Number.isFinite(value) ? '–' : value.toFixed(digits);
}

function interval(estimate: Estimate | null, signed = false, digits = 3): string {
  if (estimate === null || estimate.cases === 0) return '–';
  const shown = (value: number) => `${signed && value > 0 ? '+' : ''}${value.toFixed(digits)}`;
  return `${shown(estimate.mean)} (${shown(estimate.low)} to ${shown(estimate.high)})`;
}

function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

function studies(value: number): string {
  return value >= 1e6 ? 'over a million' : value.toFixed(value < 10 ? 1 : 0);
}

function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

function megabytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${(bytes / 1e6).toFixed(1)} MB` : '–';
}
