/** Who asks. Told by the one place that knows people; here it is believed. */
import type { Role } from './workflow/task-state.ts';

export interface Asker {
  /** The same for the same person for ever; written into versions and events. */
  readonly person: string;
  readonly roles: readonly Role[];
  /** By name; undefined: all. */
  readonly projects?: readonly string[];
}

/** The reading room itself, where nobody asked. */
export const house: Asker = { person: 'consilium', roles: ['lead', 'reviewer'] };

export function mayIn(asker: Asker, project: string): boolean {
  return asker.projects === undefined || asker.projects.includes(project);
}
