/** `summary.json` of a project: its four answers as numbers, for scripts. The shape only ever grows. */
import type { Estimate } from '../bootstrap.ts';
import { projectFindings } from './project-findings.ts';
import type { ProjectRecord } from './project-record.ts';

export interface ProjectSummary {
  readonly version: 1;
  readonly title: string;
  readonly synthetic: boolean;
  readonly seed: number;
  readonly seconds: number;
  /** Assisted less manual, of cases read both ways; null: none was. */
  readonly minutes: {
    readonly byHand: Estimate;
    readonly unseenPatients: Estimate | null;
    readonly seenPatients: Estimate | null;
  };
  /** Dice on the test patients; null: not tested. */
  readonly dice: {
    readonly manual: Estimate | null;
    readonly assisted: Estimate | null;
    readonly assistedLessManual: Estimate | null;
  };
  readonly configurations: readonly { readonly label: string; readonly dice: Estimate | null }[];
  readonly modelSha256: string | null;
}

export function projectSummary(record: ProjectRecord): ProjectSummary {
  const { byLabels, effort, labels, studies } = projectFindings(record);
  const [manual, assisted] = labels.configurations;
  const last = record.experiments.labels.runs.find(({ configuration }) => configuration === assisted?.configuration);
  return {
    ...{ version: 1, title: record.title, synthetic: record.synthetic, seed: record.seed },
    seconds: record.stages.reduce((sum, { seconds }) => sum + seconds, 0),
    minutes: {
      byHand: effort.unseen.minutes.manual,
      unseenPatients: effort.unseen.paired?.minutes ?? null,
      seenPatients: effort.seen.paired?.minutes ?? null,
    },
    dice: {
      manual: manual?.test ?? null,
      assisted: assisted?.test ?? null,
      assistedLessManual: byLabels?.difference ?? null,
    },
    configurations: studies.configurations.map(({ label, test }) => ({ label, dice: test })),
    modelSha256: last?.best?.weights ?? null,
  };
}
