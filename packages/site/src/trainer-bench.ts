/**
 * Keeps the last trainers, so that the training graph is not derived and opened anew each round. A trainer that is taken
 * up again is as new: what it gives depends on the task alone, not on what it did before.
 */
import { decodeModel, type Runtime } from '@consilium/engine';
import { createRandom } from '@consilium/numerics';
import type { BlobId, SiteId, TrainTask } from '@consilium/protocol';
import { type Plan, type PreparedCase, type PrivacyOptions, Trainer } from '@consilium/training';

export interface TrainerNeeds {
  readonly siteId: SiteId;
  readonly plan: Plan;
  readonly cases: readonly PreparedCase[];
  /** DP-SGD; null for plain training. */
  readonly privacy: PrivacyOptions | null;
  readonly getBlob: (sha256: BlobId) => Promise<Uint8Array>;
}

export class TrainerBench {
  readonly #options: { readonly runtime: Runtime; readonly threads: number };
  /** The one used last is the last. */
  readonly #kept = new Map<string, Trainer>();

  constructor(options: { readonly runtime: Runtime; readonly threads: number }) {
    this.#options = options;
  }

  /** Its weights, and its control variate if the task has one, are still to be set. */
  async take(task: TrainTask, { siteId, plan, cases, privacy, getBlob }: TrainerNeeds): Promise<Trainer> {
    const { model, seed, proximalMu } = task;
    const controlVariate = task.control !== null;
    const unitIds = privacy && { ...privacy, units: privacy.units.map((unit) => unit.map(({ id }) => id)) };
    const caseIds = cases.map(({ id }) => id);
    const { labels } = task.selection ?? {};
    const key = JSON.stringify([model, seed, proximalMu, controlVariate, task.plan, caseIds, labels, unitIds]);
    let trainer = this.#kept.get(key);
    if (trainer === undefined) {
      // Each costs the memory of a training step: two only where a job trains a personal model as well.
      await this.#keepOnly(task.personalLambda === null ? 0 : 1);
      trainer = await Trainer.create({
        ...this.#options,
        plan,
        model: decodeModel(await getBlob(model)),
        cases,
        random: createRandom(seed, 'train', siteId),
        ...(proximalMu > 0 ? { proximalMu } : {}),
        ...(controlVariate ? { controlVariate } : {}),
        ...(privacy === null ? {} : { privacy }),
      });
    }
    this.#kept.delete(key);
    this.#kept.set(key, trainer);
    trainer.resetOptimiser();
    return trainer;
  }

  async #keepOnly(count: number): Promise<void> {
    for (const [key, trainer] of [...this.#kept].slice(0, Math.max(0, this.#kept.size - count))) {
      this.#kept.delete(key);
      await trainer[Symbol.asyncDispose]();
    }
  }
}
