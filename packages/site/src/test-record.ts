/**
 * The test split answers once for each model: what it said is kept, and a second question under the same name gets the
 * same answer for the same weights and none for others. So nobody, by mistake or zeal, chooses a model by the test set.
 */
import { join } from 'node:path';
import { type EvaluateContribution, evaluateContributionSchema, type ModelName } from '@consilium/protocol';
import { readJson, writeJsonDurably } from './json-file.ts';
import { SiteError } from './site-error.ts';

export class TestRecord {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `weights`: what says which they are. @throws SiteError `site.test-set-already-used` */
  async recall(modelName: ModelName, weights: string): Promise<EvaluateContribution | undefined> {
    const kept = (await readJson(this.#path(modelName))) as { weights: string; answer: unknown } | undefined;
    if (kept === undefined) return undefined;
    if (kept.weights !== weights) {
      throw new SiteError(
        'site.test-set-already-used',
        `The test patients have already scored other weights under the name ${modelName}. They are asked once.`,
        { lasting: true },
      );
    }
    return evaluateContributionSchema.parse(kept.answer);
  }

  async keep(modelName: ModelName, weights: string, answer: EvaluateContribution): Promise<void> {
    await writeJsonDurably(this.#path(modelName), { weights, answer });
  }

  #path(modelName: ModelName): string {
    return join(this.#directory, `${modelName}.json`);
  }
}
