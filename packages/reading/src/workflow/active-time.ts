/**
 * How long a reader worked, from the marks that the annotator leaves: each stroke, scroll, click. The time between two marks
 * counts wholly if it is at most the idle limit, else not at all; it belongs to the structure, and the way of working, of the
 * mark that ends it. Marks of one lease only are compared, so that a break between two sittings never counts.
 */

/** How a mark was made: by hand, or with a model's help. */
export type Phase = 'manual' | 'assisted';

export interface Mark {
  readonly leaseId: string;
  /** Milliseconds since 1970 by the reader's clock, of which only differences count. */
  readonly atMs: number;
  readonly structure: number | undefined;
  readonly phase: Phase;
}

export interface ActiveTime {
  readonly activeMs: number;
  readonly idleMs: number;
  /** By structure's number; what belongs to none is under 0. */
  readonly byStructureMs: Readonly<Record<string, number>>;
  readonly byPhaseMs: Readonly<Record<Phase, number>>;
}

/** @param marks in order of arrival. A clock that was set back counts nothing. */
export function activeTimeOf(marks: readonly Mark[], idleLimitMs: number): ActiveTime {
  const byStructureMs: Record<string, number> = {};
  const byPhaseMs: Record<Phase, number> = { manual: 0, assisted: 0 };
  let [activeMs, idleMs] = [0, 0];
  for (const [at, mark] of marks.entries()) {
    const before = marks[at - 1];
    if (before === undefined || before.leaseId !== mark.leaseId) continue;
    const gapMs = Math.max(0, mark.atMs - before.atMs);
    if (gapMs > idleLimitMs) {
      idleMs += gapMs;
      continue;
    }
    activeMs += gapMs;
    byPhaseMs[mark.phase] += gapMs;
    const structure = String(mark.structure ?? 0);
    byStructureMs[structure] = (byStructureMs[structure] ?? 0) + gapMs;
  }
  return { activeMs, idleMs, byStructureMs, byPhaseMs };
}
