/** `consilium predict`: a published model on a DICOM series or a NIfTI image. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileSource } from '@consilium/archive';
import { nodeRuntime } from '@consilium/engine/node';
import {
  openTree,
  predictionAsDicom,
  predictionAsNifti,
  predictionTime,
  readPredictionInput,
  readPublishedModel,
} from '@consilium/publication';
import { type ContrastPhase, contrastPhases, Predictor } from '@consilium/training';
import { writeDurably } from '@consilium/transport';
import { type Command, Option } from 'commander';
import { answer, jsonOption, textTable } from './answer.ts';
import { ExitCode } from './exit-code.ts';
import { stopOnInterrupt } from './interruption.ts';
import { wholeNumber } from './number-option.ts';
import { consiliumVersion } from './version.ts';

interface PredictOptions {
  readonly bundle: string;
  readonly input: string;
  readonly out?: string;
  readonly series?: string;
  readonly phase?: ContrastPhase;
  readonly threads: number;
  readonly date?: string;
  readonly json?: true;
}

export function addPredictCommand(program: Command): void {
  program
    .command('predict')
    .description('Segment a CT with a published model: DICOM in, DICOM Segmentation out; or NIfTI in and out.')
    .requiredOption(
      '--bundle <path>',
      'a published model: a bundle, a crate, a MONAI bundle that Consilium wrote, or a zip',
    )
    .requiredOption('--input <path>', 'a folder or zip with DICOM files, or a NIfTI image')
    .option('--out <file>', 'segmentation.dcm or segmentation.nii.gz unless named; .nii and .nii.gz are NIfTI')
    .option('--series <uid>', 'of several CT series this one; default: the one with most slices')
    .addOption(new Option('--phase <phase>', 'of contrast enhancement, where it is known').choices(contrastPhases))
    .option('--threads <n>', 'of the network', wholeNumber(1, 256), Math.max(1, availableParallelism()))
    .option('--date <time>', 'ISO 8601, to be written in the segmentation in place of now')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
It is not a medical device: what it draws has to be looked at by somebody who may decide.

Examples:
  consilium predict --bundle crate --input study.zip --out kidneys.dcm
  consilium predict --bundle crate/monai --input ct.nii.gz --json`,
    )
    .action(predict);
}

async function predict(options: PredictOptions): Promise<void> {
  const signal = stopOnInterrupt('Stopping ...');
  try {
    await segment(options, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.exitCode = ExitCode.interrupted;
  }
}

async function segment({ json, ...options }: PredictOptions, signal: AbortSignal): Promise<void> {
  const madeAt = predictionTime(options.date ?? new Date().toISOString());
  const model = await readPublishedModel(await openTree(resolve(options.bundle), fileSource, { levels: 2 }));
  const input = await readPredictionInput(await openTree(resolve(options.input), fileSource), {
    seriesInstanceUid: options.series,
    signal,
  });
  const out = options.out ?? (input.series === undefined ? 'segmentation.nii.gz' : 'segmentation.dcm');
  const isNifti = /\.nii(?:\.gz)?$/i.test(out);
  const { series } = input;
  const startMs = performance.now();
  await using predictor = await Predictor.open({
    ...{ runtime: nodeRuntime(), model: model.model, plan: model.plan, threads: options.threads },
  });
  const labels = await predictor.predict(input.image, {
    ...(options.phase === undefined ? {} : { phase: options.phase }),
    signal,
    onProgress: progressOn(process.stderr, json === true),
  });
  const seconds = Math.round((performance.now() - startMs) / 10) / 100;
  const by = { plan: model.plan, weightsSha256: model.weightsSha256, version: consiliumVersion, madeAt };
  const bytes = isNifti ? predictionAsNifti(labels, by, /\.gz$/i.test(out)) : predictionAsDicom(labels, series, by);
  await writeDurably(resolve(out), bytes);
  const voxelMl = input.image.geometry.spacingMm.reduce((product, edge) => product * edge, 1) / 1000;
  const counts = new Float64Array(256);
  for (const value of labels.voxels) counts[value]! += 1;
  const structures = model.plan.classes.map(({ name, value }) => {
    return { name, voxels: counts[value]!, millilitres: Math.round(counts[value]! * voxelMl * 100) / 100 };
  });
  const result = {
    ...{ out: resolve(out), format: isNifti ? 'nifti' : 'dicom-seg', seconds, structures },
    ...{ ctVolumes: input.volumes, findings: input.findings, weightsSha256: model.weightsSha256 },
  };
  const rows = structures.map(({ name, millilitres }) => [name, `${millilitres.toFixed(1)} ml`]);
  const several =
    input.volumes > 1 && options.series === undefined
      ? `\nOf ${input.volumes} CT volumes, the largest; --series names another.`
      : '';
  answer(json ? { json } : {}, result, `${textTable(rows)}\n\n${out} holds the segmentation (${seconds} s).${several}`);
}

/** On a terminal a line that is written over; with `--json` one object now and then. */
function progressOn(stream: NodeJS.WriteStream, asJson: boolean): (done: number, total: number) => void {
  let last = -1;
  return (done, total) => {
    const percent = Math.floor((100 * done) / total);
    if (percent === last || (!stream.isTTY && percent % 10 !== 0)) return;
    last = percent;
    if (asJson) stream.write(`${JSON.stringify({ done, of: total })}\n`);
    else if (stream.isTTY) stream.write(`\r${percent} %${done === total ? '\n' : ''}`);
  };
}
