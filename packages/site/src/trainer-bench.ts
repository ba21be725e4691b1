/**
 * Keeps the last trainer, so that the training graph is not derived and opened anew each round. A trainer that is taken
 * up again is as new: what it gives depends on the task alone, not on what it did before.
 */
import { decodeModel, type Runtime } from '@consilium/engine';
import { createRandom } from '@consilium/numerics';
import type { Sha256, SiteId, TrainTask } from '@consilium/protocol';
import { type Plan, type PreparedCase, Trainer } from '@consilium/training';

export interface TrainerNeeds {
  readonly siteId: SiteId;
  readonly plan: Plan;
  readonly cases: readonly PreparedCase[];
  readonly getBlob: (sha256: Sha256) => Promise<Uint8Array>;
}

export class TrainerBench {
  readonly #options: { readonly runtime: Runtime; readonly threads: number };
  #kept: { readonly key: string; readonly trainer: Trainer } | null = null;

  constructor(options: { readonly runtime: Runtime; readonly threads: number }) {
    this.#options = options;
  }

  /** Its weights are still to be set. */
  async take(task: TrainTask, { siteId, plan, cases, getBlob }: TrainerNeeds): Promise<Trainer> {
    const { model, seed, proximalMu } = task;
    const key = JSON.stringify([model, seed, proximalMu, task.plan, cases.map(({ id }) => id)]);
    if (this.#kept?.key !== key) {
      await this.#clear();
      const trainer = await Trainer.create({
        ...this.#options,
        plan,
        model: decodeModel(await getBlob(model)),
        cases,
        random: createRandom(seed, 'train', siteId),
        ...(proximalMu > 0 ? { proximalMu } : {}),
      });
      this.#kept = { key, trainer };
    }
    const { trainer } = this.#kept;
    trainer.resetOptimiser();
    return trainer;
  }

  async #clear(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    await kept?.trainer[Symbol.asyncDispose]();
  }
}
