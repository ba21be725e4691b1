/** The steps of an app around a model, those that are named and those of its own code, in their order. */
import { type AppCode, failed, runAppCode } from './app-code.ts';
import type { PostStep, PreStep } from './model-step.ts';
import { type LabelledCase, postProcess } from './post-processing.ts';
import { type CaseImage, preProcess } from './pre-processing.ts';

/** What is done around a model. Plain data: it goes to the process in which models compute. */
export interface ModelSteps {
  readonly before: readonly PreStep[];
  readonly after: readonly PostStep[];
  /** Of the app; wanted by its own steps. */
  readonly code: AppCode | undefined;
}

/**
 * A model's label as a reader is to see it.
 * @returns layers on the same grid.
 * @throws ReadingError as `postProcess` and `runAppCode`; `reading.app-code-failed` too if a function answers no such layers.
 */
export async function finishedLabel(
  label: LabelledCase,
  { after, code }: Pick<ModelSteps, 'after' | 'code'>,
): Promise<readonly Uint8Array[]> {
  let layers = label.layers;
  for (const step of after) {
    const now = { ...label, layers };
    if (step.do !== 'own') {
      layers = postProcess(now, [step]);
      continue;
    }
    const answer = await runAppCode(codeOf(code, step.function), {
      ...{ function: step.function, arguments: [now, step.options] },
    });
    layers = checkedLayers(answer, now, step.function);
  }
  return layers;
}

/** An image as a model is to see it. @throws as `finishedLabel` */
export async function preparedImage(
  image: CaseImage,
  { before, code }: Pick<ModelSteps, 'before' | 'code'>,
): Promise<Int16Array> {
  let { voxels } = image;
  for (const step of before) {
    const now = { ...image, voxels };
    if (step.do !== 'own') {
      voxels = preProcess(now, [step]);
      continue;
    }
    const answer = await runAppCode(codeOf(code, step.function), {
      ...{ function: step.function, arguments: [now, step.options] },
    });
    if (!(answer instanceof Int16Array) || answer.length !== voxels.length) {
      throw failed(step.function, 'it answered no Int16Array of as many voxels');
    }
    voxels = answer;
  }
  return voxels;
}

function codeOf(code: AppCode | undefined, name: string): AppCode {
  if (code === undefined) throw failed(name, 'the app has no code');
  return code;
}

/** What code of others answers is taken for a label only if it is one: of the grid, with the structures of each layer. */
function checkedLayers(answer: unknown, { layers, structures }: LabelledCase, name: string): readonly Uint8Array[] {
  if (!Array.isArray(answer) || answer.length !== layers.length) throw failed(name, 'it answered other layers');
  for (const [layer, voxels] of answer.entries()) {
    if (!(voxels instanceof Uint8Array) || voxels.length !== layers[layer]!.length) {
      throw failed(name, 'it answered no Uint8Array of as many voxels');
    }
    const isDrawn = new Uint8Array(256);
    isDrawn[0] = 1;
    for (const structure of structures) if (structure.layer === layer) isDrawn[structure.number] = 1;
    if (!voxels.every((value) => isDrawn[value] === 1)) throw failed(name, 'it answered a structure of no such layer');
  }
  return answer;
}
