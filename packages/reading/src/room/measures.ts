/**
 * What reading costs and what proposals bring: minutes a case, by phase, structure and reader; what became of proposals; how
 * a reader gets faster. Numbers for a report, of readings that were handed in.
 */
import type { Asker } from '../asker.ts';
import { fateOf, type ProposalFate } from '../label/label-edits.ts';
import { rowsFor } from '../store/rows-for.ts';
import { taskIsVisible } from '../store/sight.ts';
import { type Version, versionOf } from '../store/version-store.ts';
import type { RoomParts } from './room-parts.ts';

interface ReadingMeasure {
  readonly caseId: string;
  readonly taskId: string;
  readonly version: string;
  readonly reader: string;
  readonly role: string;
  readonly submittedMs: number;
  /** Whether drawing began with a model's proposal, or a model helped. */
  readonly phase: 'manual' | 'assisted';
  readonly activeMinutes: number;
  readonly idleMinutes: number;
  readonly structures: readonly {
    readonly number: number;
    readonly activeMinutes: number;
    readonly editedVoxels: number;
    readonly fate: ProposalFate;
    /** Of the proposal with what was handed in: how good it was. Undefined where nothing was proposed. */
    readonly proposalDice: number | undefined;
  }[];
}

export interface MeasureSummary {
  readonly readings: readonly ReadingMeasure[];
  /** Of proposed structures, how many were kept as they were, corrected, or drawn anew. */
  readonly proposals: Readonly<Record<'accepted' | 'edited' | 'redrawn', number>>;
  /** Of each reader: minutes of active time, in the order in which the readings were handed in. */
  readonly learning: Readonly<Record<string, readonly { readonly phase: string; readonly activeMinutes: number }[]>>;
}

const minuteMs = 60_000;

export function measuresOf(parts: RoomParts, asker: Asker, project: string): MeasureSummary {
  const sql = `SELECT version.*, task.base_version AS base FROM task
    JOIN reading_case ON reading_case.id = task.case_id JOIN version ON version.id = task.head_version
    WHERE project = :project AND task.state NOT IN ('proposed', 'in-progress') AND task.reader IS NOT NULL
      AND ${taskIsVisible} ORDER BY version.rowid`;
  const readings = rowsFor(parts, sql, asker, { ':project': project }).map((row) => {
    const base = row['base'] === null ? undefined : parts.versions.get(String(row['base']));
    return measureOf(versionOf(row), base?.kind === 'proposal');
  });
  const proposals = { accepted: 0, edited: 0, redrawn: 0 };
  for (const { fate } of readings.flatMap(({ structures }) => structures)) if (fate !== 'absent') proposals[fate]++;
  const learning: Record<string, { phase: string; activeMinutes: number }[]> = {};
  for (const { activeMinutes, phase, reader } of readings) {
    learning[reader] ??= [];
    learning[reader].push({ phase, activeMinutes });
  }
  return { readings, proposals, learning };
}

function measureOf(version: Version, isProposed: boolean): ReadingMeasure {
  const { editsOfParent = {}, editsOfProposal = {}, models = [], time } = version.provenance;
  const numbers = new Set([editsOfParent, editsOfProposal, time?.byStructureMs ?? {}].flatMap(Object.keys));
  numbers.delete('0');
  return {
    caseId: version.caseId,
    taskId: version.taskId!,
    version: version.id,
    reader: version.person,
    role: version.role,
    submittedMs: version.createdMs,
    phase: isProposed || models.length > 0 ? 'assisted' : 'manual',
    activeMinutes: (time?.activeMs ?? 0) / minuteMs,
    idleMinutes: (time?.idleMs ?? 0) / minuteMs,
    structures: [...numbers]
      .map(Number)
      .sort((a, b) => a - b)
      .map((number) => {
        const edits = editsOfParent[number];
        const proposed = isProposed ? editsOfProposal[number] : undefined;
        return {
          number,
          activeMinutes: (time?.byStructureMs[number] ?? 0) / minuteMs,
          editedVoxels: edits === undefined ? 0 : edits.added + edits.removed,
          fate: proposed === undefined ? 'absent' : fateOf(proposed),
          proposalDice:
            proposed === undefined || proposed.before === 0
              ? undefined
              : (2 * proposed.both) / (proposed.before + proposed.after),
        };
      }),
  };
}

/** A line a reading and structure; RFC 4180. */
export function measuresCsv({ readings }: MeasureSummary): string {
  const head =
    'case,task,version,reader,role,submitted,phase,active_minutes,structure,structure_minutes,edited_voxels,fate,proposal_dice';
  const lines = readings.flatMap((one) =>
    one.structures.map((structure) =>
      [
        ...[
          one.caseId,
          one.taskId,
          one.version,
          one.reader,
          one.role,
          new Date(one.submittedMs).toISOString(),
          one.phase,
        ],
        ...[one.activeMinutes, structure.number, structure.activeMinutes, structure.editedVoxels, structure.fate],
        structure.proposalDice ?? '',
      ]
        .map(csvCell)
        .join(','),
    ),
  );
  return `${[head, ...lines].join('\r\n')}\r\n`;
}

/** A cell that a spreadsheet would take for a formula is made text. */
function csvCell(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
