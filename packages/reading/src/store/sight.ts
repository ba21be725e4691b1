/**
 * What a person may see of a case, as conditions that every query carries. A reader sees the own tasks, what can be taken from
 * the pool, and what drawing began with. Who leads or reviews sees all, but for cases that the person reads blinded and is not
 * done with: of those nobody sees more than the own.
 */
import type { SQLInputValue } from 'node:sqlite';
import type { Asker } from '../asker.ts';

/** The names that the conditions use; no condition uses all, so a statement must allow names it does not know. */
export function sightOf({ person, roles }: Asker): Record<`:${string}`, SQLInputValue> {
  const has = (...some: readonly string[]): number => Number(roles.some((role) => some.includes(role)));
  return {
    ':person': person,
    ':oversees': has('lead', 'reviewer'),
    ':reads': has('reader'),
    ':adjudicates': has('adjudicator'),
  };
}

/** @param caseId an SQL expression. */
function isBlind(caseId: string): string {
  return `EXISTS (SELECT 1 FROM task AS own WHERE own.case_id = ${caseId} AND own.reader = :person
    AND own.blinded_group IS NOT NULL AND own.state NOT IN ('approved', 'locked'))`;
}

/** Whether the person settles what the readers of a case disagree on. */
function adjudicates(caseId: string): string {
  return `EXISTS (SELECT 1 FROM task AS own WHERE own.case_id = ${caseId} AND own.reader = :person
    AND own.role = 'adjudicate')`;
}

/** All labels of a case, how they agree, who drew them. */
export function caseIsOpen(caseId: string): string {
  return `((:oversees OR ${adjudicates(caseId)}) AND NOT ${isBlind(caseId)})`;
}

/** Whether a task may be taken from the pool. Who has seen others' labels of a case cannot read it blinded, nor settle what the own reading is a part of. */
const isFree = `(task.reader IS NULL AND task.state IN ('proposed', 'changes-asked')
  AND ((task.role = 'read' AND :reads) OR (task.role = 'adjudicate' AND :adjudicates))
  AND NOT ${isBlind('task.case_id')}
  AND NOT ((task.role = 'adjudicate' OR task.blinded_group IS NOT NULL) AND EXISTS
    (SELECT 1 FROM task AS own WHERE own.case_id = task.case_id AND own.reader = :person))
  AND NOT (task.blinded_group IS NOT NULL AND EXISTS
    (SELECT 1 FROM sight WHERE sight.case_id = task.case_id AND sight.person = :person)))`;

/** Of `task`. */
export const taskIsVisible = `(task.reader = :person OR ${isFree} OR ${caseIsOpen('task.case_id')})`;

/** Of `task`: the person's own, or free to be taken and not skipped before. */
export const taskIsOffered = `(task.reader = :person OR (${isFree} AND NOT EXISTS
  (SELECT 1 FROM skip WHERE skip.task_id = task.id AND skip.person = :person)))`;

/** Of `version`: drawn in an own task, what an own task began with, what models propose for its case, or all of an open case. */
export const versionIsVisible = `(EXISTS (SELECT 1 FROM task AS mine WHERE mine.reader = :person
    AND (mine.id = version.task_id OR mine.base_version = version.id
      OR (version.kind = 'proposal' AND mine.case_id = version.case_id)))
  OR ${caseIsOpen('version.case_id')})`;

/** Of `event`: of an own task, of a model's label for its case, of an open case, or of no case at all. */
export const eventIsVisible = `(event.case_id IS NULL
  OR EXISTS (SELECT 1 FROM task AS mine WHERE mine.reader = :person
    AND (mine.id = event.task_id OR (event.kind = 'proposed' AND mine.case_id = event.case_id)))
  OR ${caseIsOpen('event.case_id')})`;
