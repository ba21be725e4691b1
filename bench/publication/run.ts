/**
 * A published model on images of one's own, by our code, by real MONAI and by ONNX Runtime in Python: on how many voxels they
 * agree, and how long each takes.
 *
 *     node --conditions=consilium-source bench/publication/run.ts VENV/bin/python CRATE IMAGE.nii.gz ...
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileSource } from '@consilium/archive';
import { nodeRuntime } from '@consilium/engine/node';
import { decodeNifti } from '@consilium/imaging';
import { openTree, readPredictionInput, readPublishedModel } from '@consilium/publication';
import { Predictor } from '@consilium/training';

const given = process.argv.slice(2).map((path) => resolve(path));
if (given.length < 3) throw new Error('run.ts VENV/bin/python CRATE IMAGE.nii.gz ...');
const [python, crate, ...images] = given as [string, string, ...string[]];
const work = mkdtempSync(join(tmpdir(), 'bench-publication-'));
const { model, plan } = await readPublishedModel(await openTree(crate, fileSource, { levels: 2 }));
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
const options = { stdio: 'ignore', env } as const;
let isGood = true;
try {
  await using predictor = await Predictor.open({ runtime: nodeRuntime(), model, plan, threads: 2 });
  for (const path of images) {
    const { image } = await readPredictionInput(await openTree(path, fileSource));
    const ours = await timed(() => predictor.predict(image));
    const folder = join(work, basename(path));
    mkdirSync(join(folder, 'in'), { recursive: true });
    copyFileSync(path, join(folder, 'in', basename(path)));
    const monai = await timed(async () => {
      const run = ['-W', 'ignore', '-m', 'monai.bundle', 'run', '--config_file', 'configs/inference.json'];
      const where = ['--dataset_dir', join(folder, 'in'), '--output_dir', join(folder, 'out')];
      execFileSync(python, [...run, ...where], { ...options, cwd: join(crate, 'monai') });
      return labelsIn(join(folder, 'out', readdirSync(join(folder, 'out'))[0]!));
    });
    const onnx = await timed(async () => {
      execFileSync(python, [join(crate, 'examples/predict.py'), path, join(folder, 'onnx.nii.gz')], options);
      return labelsIn(join(folder, 'onnx.nii.gz'));
    });
    for (const [name, theirs] of Object.entries({ monai, onnx })) {
      const voxels = ours.value.voxels.length;
      const differing = ours.value.voxels.reduce((sum, value, at) => sum + (value === theirs.value[at] ? 0 : 1), 0);
      isGood &&= theirs.value.length === voxels && differing / voxels <= 0.001;
      console.log(
        `${basename(path)}  ${name}: ${differing} of ${voxels} voxels differ; ours ${ours.seconds} s, theirs ${theirs.seconds} s with the start of Python`,
      );
    }
  }
} finally {
  rmSync(work, { recursive: true });
}
process.exitCode = isGood ? 0 : 1;

function labelsIn(path: string): ArrayLike<number> {
  return decodeNifti(new Uint8Array(readFileSync(path))).voxels;
}

async function timed<T>(act: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: string }> {
  const startMs = performance.now();
  const value = await act();
  return { value, seconds: ((performance.now() - startMs) / 1000).toFixed(1) };
}
