/** What a simulated site keeps on its disk from round to round: weights by name, one version a round. */
import type { Weights } from '@consilium/numerics';

export class LocalState {
  readonly #versions = new Map<string, Map<number, Weights>>();

  /** What the last round before `round` left; empty if none did. */
  before(round: number, name: string): Weights {
    const versions = [...(this.#versions.get(name) ?? [])].filter(([version]) => version < round);
    return versions.sort(([one], [other]) => other - one)[0]?.[1] ?? new Map();
  }

  keep(round: number, name: string, weights: Weights): void {
    const versions = this.#versions.get(name) ?? new Map<number, Weights>();
    this.#versions.set(name, versions.set(round, weights));
  }
}
