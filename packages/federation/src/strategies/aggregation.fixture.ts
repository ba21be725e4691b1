/** A strategy's aggregation on small vectors, round after round, without sites. */
import { decodeSafetensors, encodeSafetensors, tensor } from '@consilium/numerics';
import type { BlobId, SiteId } from '@consilium/protocol';
import { getBlob, putBlob } from '../blob.ts';
import { MemoryStore } from '../memory-store.ts';
import type { Strategy, StrategyState, TrainedSite } from '../strategy.ts';
import { WeightsFile } from '../weights.ts';

export interface SiteAnswer {
  /** Default: 1. */
  readonly cases?: number;
  readonly weights: readonly number[];
  readonly controlChange?: readonly number[];
  /** Rounds since it was sent its weights; default: 0. */
  readonly staleness?: number;
}

/** float64, so that only the rule is tested, or as models are stored. */
export type Precision = 'float32' | 'float64';

export class Aggregation {
  readonly store = new MemoryStore();
  readonly #precision: Precision;
  /** The global weights before each round that was. */
  readonly #globals: BlobId[] = [];
  #weights: BlobId | null = null;
  #state: StrategyState = {};

  private constructor(precision: Precision) {
    this.#precision = precision;
  }

  static async from(initial: readonly number[], strategy: Strategy, precision: Precision = 'float64') {
    const aggregation = new Aggregation(precision);
    const weights = await aggregation.#put(initial);
    aggregation.#weights = weights;
    const { shape } = await WeightsFile.open(aggregation.store, weights);
    aggregation.#state = await strategy.initialState(aggregation.store, shape);
    return aggregation;
  }

  /** The next round; returns the new global weights. */
  async round(strategy: Strategy, answers: readonly SiteAnswer[], participants = answers.length): Promise<number[]> {
    this.#globals.push(this.#weights!);
    const { store } = this;
    const trained: TrainedSite[] = [];
    for (const [index, { cases = 1, weights, controlChange, staleness = 0 }] of answers.entries()) {
      const base = this.#globals.at(-1 - staleness)!;
      trained.push({
        siteId: `site-${String(index).padStart(3, '0')}` as SiteId,
        cases,
        steps: 1,
        staleness,
        weights: await this.#open(weights),
        controlChange: controlChange === undefined ? null : await this.#open(controlChange),
        base: await WeightsFile.open(store, base),
      });
    }
    const aggregate = await strategy.aggregateTrain({
      round: this.#globals.length,
      trained,
      global: await WeightsFile.open(store, this.#weights!),
      state: this.#state,
      participants,
      store,
    });
    this.#weights = aggregate.weights;
    this.#state = aggregate.state;
    return this.#values(aggregate.weights);
  }

  /** What the strategy remembers under a name. */
  async state(name: string): Promise<number[]> {
    return this.#values(this.#state[name]!);
  }

  async #open(values: readonly number[]): Promise<WeightsFile> {
    return WeightsFile.open(this.store, await this.#put(values));
  }

  /** In two tensors, so that no rule may look at one only. */
  #put(values: readonly number[]): Promise<BlobId> {
    const data = this.#precision === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
    const half = values.length >> 1;
    const parts = { a: data.slice(0, half), b: data.slice(half) };
    const tensors = Object.entries(parts).map(([name, part]) => {
      const shape = [part.length];
      return [name, part instanceof Float64Array ? tensor('float64', shape, part) : tensor('float32', shape, part)];
    });
    return putBlob(this.store, encodeSafetensors(new Map(tensors as [string, ReturnType<typeof tensor>][])));
  }

  async #values(blob: BlobId): Promise<number[]> {
    const { tensors } = decodeSafetensors(await getBlob(this.store, blob));
    return ['a', 'b'].flatMap((name) => [...(tensors.get(name)!.data as Float64Array)]);
  }
}
