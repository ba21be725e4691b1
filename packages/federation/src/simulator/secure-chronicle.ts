/** What sites have said in secure sums, held against what they may never say, whatever they are asked. */
import type { SiteId, Task } from '@consilium/protocol';
import type { Finished } from '../site-agent.ts';

export class SecureChronicle {
  readonly #violated: (invariant: string, text: string) => void;
  /** Public keys and seeds, and in which session which site made them. */
  readonly #keys = new Map<string, string>();
  readonly #inputs = new Map<string, string>();
  /** By site and session: of whom which shares were told. */
  readonly #told = new Map<string, Map<SiteId, 'seed' | 'mask key'>>();

  constructor(violated: (invariant: string, text: string) => void) {
    this.#violated = violated;
  }

  /** Sessions in which a site has told shares: `<job>/<round>.<number>`. */
  readonly unmasked = new Set<string>();

  /** A site has finished a task, and says so to the coordinator or will. */
  finished(siteId: SiteId, task: Task, outcome: Finished['outcome']): void {
    if (outcome.kind !== 'contribution' || !('session' in task)) return;
    const { contribution } = outcome;
    const session = `${task.jobId}/${task.session.round}.${task.session.number}`;
    const place = `${session} ${siteId}`;
    switch (contribution.kind) {
      case 'secure-keys':
        for (const key of [contribution.maskKey, contribution.boxKey, contribution.seedSha256]) {
          if ((this.#keys.get(key) ?? place) !== place) this.#violated('masks are used once', `${place} has old keys`);
          this.#keys.set(key, place);
        }
        break;
      case 'secure-input':
        if ((this.#inputs.get(place) ?? contribution.masked) !== contribution.masked) {
          this.#violated('masks are used once', `${place} masked two different things`);
        }
        this.#inputs.set(place, contribution.masked);
        break;
      case 'secure-unmask':
        this.unmasked.add(session);
        for (const each of contribution.seeds) this.#tells(place, each.siteId, 'seed');
        for (const each of contribution.maskKeys) this.#tells(place, each.siteId, 'mask key');
    }
  }

  #tells(place: string, of: SiteId, what: 'seed' | 'mask key'): void {
    const told = this.#told.get(place) ?? new Map<SiteId, 'seed' | 'mask key'>();
    if ((told.get(of) ?? what) !== what) this.#violated('never both shares', `${place} told both of ${of}`);
    this.#told.set(place, told.set(of, what));
  }
}
