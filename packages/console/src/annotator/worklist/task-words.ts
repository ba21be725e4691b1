/** What the states of tasks are called, and what can be done about each. */
import type { Task } from '../reading-asking.ts';

export type TaskState = Task['state'];

export const stateWords: Readonly<Record<TaskState, { readonly word: string; readonly color: string }>> = {
  proposed: { word: 'New', color: 'blue' },
  'in-progress': { word: 'Begun', color: 'cyan' },
  'changes-asked': { word: 'Changes asked', color: 'orange' },
  submitted: { word: 'Handed in', color: 'grape' },
  'in-review': { word: 'In review', color: 'grape' },
  approved: { word: 'Approved', color: 'green' },
  locked: { word: 'Locked', color: 'gray' },
};

/** States in which a reader draws. */
export const drawnOn: readonly TaskState[] = ['proposed', 'in-progress', 'changes-asked'];
/** States in which a reviewer looks. */
export const reviewed: readonly TaskState[] = ['submitted', 'in-review'];

const dayMs = 86_400_000;

export interface DueWords {
  readonly text: string;
  readonly isLate: boolean;
}

/** @param nowMs milliseconds since 1970, as `dueMs`. */
export function dueWords(dueMs: number | null, nowMs: number): DueWords | undefined {
  if (dueMs === null) return undefined;
  const days = Math.floor(dueMs / dayMs) - Math.floor(nowMs / dayMs);
  const date = new Date(dueMs).toISOString().slice(0, 10);
  if (days < 0) return { text: `${date}, ${-days} ${days === -1 ? 'day' : 'days'} late`, isLate: true };
  return { text: days === 0 ? `${date}, today` : date, isLate: false };
}

/** By which a case is known here: no name, and short enough to be said. */
export function caseWord({ caseId }: Pick<Task, 'caseId'>): string {
  return caseId.slice(0, 8);
}
