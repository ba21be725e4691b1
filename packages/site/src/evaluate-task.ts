/**
 * Scores a model on the site's own cases. Validation is quick and in plan space, for choosing between rounds: the Dice of
 * each region. The test is on the images as they came, against the reference where the site has one, once for each model.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeModel } from '@consilium/engine';
import { dice } from '@consilium/imaging';
import { decodeSafetensors } from '@consilium/numerics';
import type { CaseScore, EvaluateContribution, EvaluateTask } from '@consilium/protocol';
import { type Case, type Plan, Predictor, parsePlan, regionMask, scoreCase } from '@consilium/training';
import type { CohortCase } from './cohort.ts';
import type { TaskContext } from './coordinator-link.ts';
import { drawOverlay } from './overlay.ts';
import { preparedMembers } from './prepare-task.ts';
import type { Workplace } from './workplace.ts';

/** mm within which two surfaces agree; the reading variability of renal masses on CT. */
const toleranceMm = 3;

export async function evaluateTask(
  task: EvaluateTask,
  workplace: Workplace,
  context: TaskContext,
): Promise<EvaluateContribution> {
  if (task.split === 'validation') return validate(task, workplace, context);
  const { testRecord } = workplace;
  const kept = await testRecord.recall(task.modelName, task.weights);
  if (kept !== undefined) return kept;
  const answer = await test(task, workplace, context);
  await testRecord.keep(task.modelName, task.weights, answer);
  return answer;
}
