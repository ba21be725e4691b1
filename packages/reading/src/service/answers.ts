/** What the reading room knows, as its interface says it. */
import type { Answer } from '../contract/route-table.ts';
import type { ShownWork } from '../models/models.ts';
import type { DraftStroke } from '../room/drafts.ts';
import type { Lease } from '../room/readings.ts';
import type { Task } from '../room/task-book.ts';
import type { ReadingEvent } from '../store/event-chain.ts';
import type { Version } from '../store/version-store.ts';

/** A lease is known to who has it only. */
export function taskAnswer(task: Task): Answer<'task'> {
  const { blindedGroup, leaseId: _id, leaseUntilMs: _until, ...rest } = task;
  return {
    ...rest,
    isBlinded: blindedGroup !== undefined,
    reader: task.reader ?? null,
    reviewer: task.reviewer ?? null,
    dueMs: task.dueMs ?? null,
    baseVersion: task.baseVersion ?? null,
    headVersion: task.headVersion ?? null,
  };
}

export function leaseAnswer({ draft, leaseId, task, untilMs }: Lease): Answer<'open'> {
  const { baseVersion, id, lastSeq } = draft;
  return { leaseId, untilMs, task: taskAnswer(task), draft: { id, lastSeq, baseVersion: baseVersion ?? null } };
}

export function versionAnswer(version: Version): Answer<'version'> {
  const { project: _project, seriesInstanceUid: _series, taskId, ...rest } = version;
  return { ...rest, taskId: taskId ?? null } as Answer<'version'>;
}

export function strokeAnswer(stroke: DraftStroke): Answer<'draft'>['strokes'][number] {
  const { atMs, change, kind, model, phase, seq, structure, tool } = stroke;
  return {
    ...{ seq, kind, atMs, tool, phase },
    ...(structure === undefined ? {} : { structure }),
    ...(model === undefined ? {} : { model }),
    ...(change === undefined ? {} : { change: changeAnswer(change) }),
  };
}

export function changeAnswer({ first, last, layer, runs }: NonNullable<DraftStroke['change']>) {
  return { layer, first: [...first], last: [...last], runs: Buffer.from(runs).toString('base64') } as NonNullable<
    Answer<'draft'>['strokes'][number]['change']
  >;
}

type AskedStroke = Omit<Answer<'draft'>['strokes'][number], never>;

export function strokeOf({ change, model, structure, ...stroke }: AskedStroke): DraftStroke {
  return {
    ...stroke,
    structure,
    model,
    change: change && { ...change, runs: new Uint8Array(Buffer.from(change.runs, 'base64')) },
  };
}

export function eventAnswer({ caseId, facts, project: _, taskId, ...event }: ReadingEvent): Answer<'events'>[number] {
  return { ...event, caseId: caseId ?? null, taskId: taskId ?? null, facts: facts as Record<string, never> };
}

export function workAnswer({ project: _, ...work }: ShownWork): Answer<'work'> {
  const { caseId, code, endedMs, progress } = work;
  return {
    ...work,
    ...{ caseId: caseId ?? null, code: code ?? null, endedMs: endedMs ?? null, progress: progress ?? null },
  };
}
