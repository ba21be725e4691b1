/**
 * Where a task stands, and who may move it: the whole workflow as one table. Nothing is approved that was not in review, and
 * only what is approved is handed to the archive.
 */

/** What a person may do in a project. An adjudicator settles what readers disagree on. */
export const Role = { lead: 'lead', reader: 'reader', reviewer: 'reviewer', adjudicator: 'adjudicator' } as const;
export type Role = (typeof Role)[keyof typeof Role];

export const TaskState = {
  proposed: 'proposed',
  inProgress: 'in-progress',
  submitted: 'submitted',
  inReview: 'in-review',
  changesAsked: 'changes-asked',
  approved: 'approved',
  locked: 'locked',
} as const;
export type TaskState = (typeof TaskState)[keyof typeof TaskState];

export type TaskAction =
  | 'open'
  | 'skip'
  | 'submit'
  | 'withdraw'
  | 'take-review'
  | 'leave-review'
  | 'ask-changes'
  | 'approve'
  | 'reopen'
  | 'close'
  | 'lock';

/** `owner` is the person to whom the task is assigned, `house` the reading room itself. */
export type Mover = 'owner' | 'reviewer' | 'lead' | 'house';

export interface Transition {
  readonly from: TaskState;
  readonly action: TaskAction;
  readonly to: TaskState;
  readonly by: readonly Mover[];
}

const { proposed, inProgress, submitted, inReview, changesAsked, approved, locked } = TaskState;

export const transitions: readonly Transition[] = [
  { from: proposed, action: 'open', to: inProgress, by: ['owner'] },
  { from: inProgress, action: 'open', to: inProgress, by: ['owner'] },
  { from: changesAsked, action: 'open', to: inProgress, by: ['owner'] },
  { from: proposed, action: 'skip', to: proposed, by: ['owner'] },
  { from: inProgress, action: 'skip', to: proposed, by: ['owner'] },
  { from: inProgress, action: 'submit', to: submitted, by: ['owner'] },
  // A consensus that the readers agree on goes to review without being drawn on.
  { from: proposed, action: 'submit', to: submitted, by: ['house'] },
  { from: submitted, action: 'withdraw', to: inProgress, by: ['owner'] },
  { from: submitted, action: 'take-review', to: inReview, by: ['reviewer'] },
  { from: inReview, action: 'leave-review', to: submitted, by: ['reviewer', 'lead'] },
  { from: inReview, action: 'ask-changes', to: changesAsked, by: ['reviewer'] },
  { from: inReview, action: 'approve', to: approved, by: ['reviewer'] },
  { from: approved, action: 'reopen', to: changesAsked, by: ['lead'] },
  // What a consensus was made from is done with once that is approved.
  { from: submitted, action: 'close', to: locked, by: ['house'] },
  { from: approved, action: 'lock', to: locked, by: ['lead', 'house'] },
];

/** Undefined where the table has no such step. */
export function transitionOf(from: TaskState, action: TaskAction): Transition | undefined {
  return transitions.find((one) => one.from === from && one.action === action);
}
