/** A cohort that is being made: what counts for it besides the query. Kept while the tab is open, until it is frozen. */
import type { CohortRules } from '@consilium/archive/api';
import { useSyncExternalStore } from 'react';

const untouched: CohortRules = {
  requireLabel: true,
  excludeFailed: true,
  excludeDuplicates: true,
  perPatient: 'all',
  manual: [],
};

let rules = untouched;
const listeners = new Set<() => void>();

export function useCohortRules(): CohortRules {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => rules,
  );
}

export function changeRules(change: Partial<CohortRules>): void {
  rules = { ...rules, ...change };
  for (const listener of listeners) listener();
}

export function resetRules(to: Partial<CohortRules> = {}): void {
  changeRules({ ...untouched, ...to });
}

export function leaveOut(seriesInstanceUid: string, reason: string): void {
  changeRules({
    manual: [
      ...rules.manual.filter((one) => one.seriesInstanceUid !== seriesInstanceUid),
      { seriesInstanceUid, reason },
    ],
  });
}

export function takeBack(seriesInstanceUid: string): void {
  changeRules({ manual: rules.manual.filter((one) => one.seriesInstanceUid !== seriesInstanceUid) });
}
