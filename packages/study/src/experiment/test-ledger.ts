/**
 * Who asked the test patients about which models, and why. A look is written down before it is taken. There is one;
 * whoever wants another gives a reason, which stands in every record made from it, because what is chosen after a look at
 * the test is no longer tested by it.
 */
import { z } from 'zod';
import { StudyError } from '../study-error.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const testedModelSchema = z.strictObject({
  configuration: z.string(),
  /** Of the run. */
  runSha256: sha256,
  jobId: z.string(),
  round: z.int().min(1),
  /** The name of the blob of weights. */
  weights: sha256,
  /** Under which the test patients are asked. */
  modelName: z.string(),
});
export type TestedModel = z.infer<typeof testedModelSchema>;

const lookSchema = z.strictObject({
  look: z.int().min(1),
  at: z.iso.datetime(),
  /** null for the first. */
  reason: z.string().min(1).nullable(),
  experimentSha256: sha256,
  /** How the models were chosen, in words. */
  rule: z.string(),
  models: z.array(testedModelSchema).min(1),
});
type TestLook = z.infer<typeof lookSchema>;

export const testLedgerSchema = z.strictObject({ looks: z.array(lookSchema) });
export type TestLedger = Readonly<z.infer<typeof testLedgerSchema>>;

export interface LookWanted extends Omit<TestLook, 'look' | 'reason'> {
  /** Why it shall be looked again. */
  readonly lookAgain: string | null;
}

/**
 * The ledger with the look that is wanted. Models that an earlier look was about need none: asking about them again gives
 * the answer that was given.
 * @throws StudyError `study.test-set-spent` where it was looked before and no reason is given to look again
 */
export function withLook(ledger: TestLedger, { lookAgain, ...wanted }: LookWanted): TestLedger {
  const asked = new Set(ledger.looks.flatMap(({ models }) => models.map(keyOf)));
  const isNew = wanted.models.some((model) => !asked.has(keyOf(model)));
  if (!isNew) return ledger;
  if (ledger.looks.length > 0 && lookAgain === null) {
    throw new StudyError(
      'study.test-set-spent',
      'The test patients have been asked already, about other models. To ask them again, say why: --look-again "...". The reason will stand in the report.',
    );
  }
  const reason = ledger.looks.length === 0 ? null : lookAgain;
  return { looks: [...ledger.looks, { ...wanted, look: ledger.looks.length + 1, reason }] };
}

function keyOf({ modelName, weights }: TestedModel): string {
  return `${modelName} ${weights}`;
}
