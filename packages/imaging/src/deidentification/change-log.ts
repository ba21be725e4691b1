/** What was done to a file, counted by attribute, action and rule, without a value. */
import type { AttributeChange } from './deidentification.ts';

export class ChangeLog {
  private readonly counts = new Map<string, AttributeChange>();

  add(tag: number, action: AttributeChange['action'], reason: string, count = 1): void {
    const key = `${tag} ${action} ${reason}`;
    const before = this.counts.get(key)?.count ?? 0;
    this.counts.set(key, { tag: tag.toString(16).padStart(8, '0'), action, reason, count: before + count });
  }

  /** By tag. */
  changes(): readonly AttributeChange[] {
    return [...this.counts.values()].sort((a, b) => (a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0));
  }
}
