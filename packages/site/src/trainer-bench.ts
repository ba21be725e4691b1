/**
 * Keeps the last trainer, so that the training graph is not derived and opened anew each round. A trainer that is taken
 * up again is as new: same optimiser state, so that its answer does not depend on what it did before.
 */
import { decodeModel, type Runtime } from '@consilium/engine';
import type { Sha256, SiteId, TrainTask } from '@consilium/protocol';
import { type Plan, type PreparedCase, Trainer } from '@consilium/training';

interface Kept {
  readonly key: string;
  readonly trainer: Trainer;
  /** Its checkpoint before its first step. */
  readonly asNew: Uint8Array;
}

export class TrainerBench {
  readonly #options: { readonly runtime: Runtime; readonly threads: number };
  #kept: Kept | null = null;

  constructor(options: { readonly runtime: Runtime; readonly threads: number }) {
    this.#options = options;
  }

  async take(
    task: TrainTask,
    {
      siteId,
      plan,
      cases,
      getBlob,
    }: {
      readonly siteId: SiteId;
      readonly plan: Plan;
      readonly cases: readonly PreparedCase[];
      readonly getBlob: (sha256: Sha256) => Promise<Uint8Array>;
    },
  ): Promise<Trainer> {
    const { model, seed, proximalMu } = task;
    const key = JSON.stringify([model, seed, proximalMu, task.plan, cases.map(({ id }) => id)]);
    if (this.#kept?.key !== key) {
      await this.#clear();
      const trainer = await Trainer.create({
        ...this.#options,
        plan,
        model: decodeModel(await getBlob(model)),
        cases,
        seed: `${seed}/${siteId}`,
        proximalMu,
      });
      this.#kept = { key, trainer, asNew: trainer.checkpoint() };
    }
    const { trainer, asNew } = this.#kept;
    trainer.restore(asNew);
    return trainer;
  }

  async #clear(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    await kept?.trainer[Symbol.asyncDispose]();
  }
}
