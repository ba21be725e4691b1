/** How trained models are named, drawn and put into tables: accuracy, calibration, speed. */
import type { Markup, MarkupValue } from '../markup.ts';
import { table } from '../report/figure.ts';
import { decimal, duration, withInterval } from '../wording.ts';
import type { ProjectFindings } from './project-findings.ts';
import { traced } from './trace.ts';

export type Configuration = ProjectFindings['labels']['configurations'][number];

export const labelColours = { manual: '#d55e00', assisted: '#0072b2' } as const;

export interface Looks {
  readonly name: string;
  readonly colour: string;
  readonly shape: string;
}

/** Of the model of one of the two sets of labels. */
export function looksOf({ label }: Configuration): Looks {
  const names: Readonly<Record<string, string>> = {
    'labels manual': 'Labels by hand',
    'labels assisted': 'Corrected proposals',
  };
  const name = names[label] ?? label;
  return label.includes('assisted')
    ? { name, colour: labelColours.assisted, shape: 'circle' }
    : { name, colour: labelColours.manual, shape: 'square' };
}

/** Without the column of calibration where nothing of it is recorded. */
export function resultTable({
  caption,
  configurations,
  head,
  nameOf,
}: {
  readonly caption: string;
  readonly configurations: readonly Configuration[];
  /** Of the column of names. */
  readonly head: string;
  readonly nameOf: (configuration: Configuration) => string;
}): Markup {
  const isCalibrationKnown = configurations.some(({ calibration }) => calibration !== null);
  const calibrationHeads = isCalibrationKnown ? ['Calibration error'] : [];
  return table({
    caption,
    head: [
      ...[head, 'Test Dice', ...calibrationHeads],
      ...['Validation Dice', 'Time', 'Patches a second', 'Sent', 'Parameters'],
    ],
    rows: configurations.map((each): MarkupValue[] => {
      const { calibration, jobs, test, validation } = each;
      const error = calibration === null ? '–' : traced(withInterval(calibration.ece), jobs);
      return [
        nameOf(each),
        test === null ? '–' : traced(withInterval(test), jobs),
        ...(isCalibrationKnown ? [error] : []),
        validation === null ? '–' : traced(decimal(validation), jobs),
        ...costCells(each),
      ];
    }),
  });
}

function costCells({ cost: { bytes, parameters, patchesPerSecond, seconds } }: Configuration): string[] {
  return [
    Number.isFinite(seconds) ? duration(seconds) : '–',
    decimal(patchesPerSecond, 1),
    Number.isFinite(bytes) ? `${decimal(bytes / 1e6, 0)} MB` : '–',
    Number.isFinite(parameters) ? `${decimal(parameters / 1e6, 2)} million` : '–',
  ];
}
