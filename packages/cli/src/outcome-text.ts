/** The outcome of a rehearsal in a few lines at the terminal. */
import { join } from 'node:path';
import { styleText } from 'node:util';
import type { RehearsalSummary } from '@consilium/study';
import { protectionIn, protectionText } from './protection.ts';

type Estimate = RehearsalSummary['federated'];

export function outcomeText(summary: RehearsalSummary, directory: string): string {
  const line = (name: string, estimate: Estimate): string =>
    estimate === null
      ? `  ${name.padEnd(34)} not tested`
      : `  ${name.padEnd(34)} ${estimate.meanDice.toFixed(3)}  [${estimate.low.toFixed(3)}, ${estimate.high.toFixed(3)}]`;
  const protection = protectionIn(directory);
  const minutes = (summary.seconds / 60).toFixed(1);
  return [
    styleText(
      'bold',
      `Mean Dice on ${summary.testCases} test studies, 95 % interval${summary.synthetic ? '  (synthetic patients)' : ''}`,
    ),
    line('federated model', summary.federated),
    line('hospitals’ own models', summary.local),
    line('  … on the other hospitals’ studies', summary.localElsewhere),
    line('pooled model (upper bound)', summary.pooled),
    ...calibrationLines(summary),
    '',
    `  ${summary.rounds} rounds in ${minutes} minutes. ${summary.stopReason}`,
    '',
    ...(protection === null ? [] : [styleText('bold', 'Protection'), ...indented(protectionText(protection)), '']),
    `Report: ${styleText('underline', join(directory, 'report.html'))}`,
  ].join('\n');
}

function calibrationLines({ calibration }: RehearsalSummary): readonly string[] {
  if (calibration === undefined || calibration.federated === null) return [];
  const line = (name: string, of: (typeof calibration)['local']): string[] =>
    of === null
      ? []
      : [`  ${name.padEnd(34)} ${of.ece.mean.toFixed(3)}  [${of.ece.low.toFixed(3)}, ${of.ece.high.toFixed(3)}]`];
  return [
    '',
    styleText('bold', 'Expected calibration error near the structures, 0 is best'),
    ...line('federated model', calibration.federated),
    ...line('hospitals’ own models', calibration.local),
    ...line('pooled model', calibration.pooled),
  ];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
