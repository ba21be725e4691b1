/**
 * Records what real MONAI and ONNX Runtime in Python make of the toy models: their segmentations, run by `python -m monai.bundle run` and
 * by the example of the crate.
 *
 *     python3 -m venv venv && venv/bin/pip install monai==1.6.1 torch==2.13.0 nibabel==5.4.2 pytorch-ignite==0.5.5 fire==0.7.1 onnxruntime==1.32.0
 *     node --conditions=consilium-source recording/record-monai.ts venv/bin/python > src/recorded/monai.json
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { decodeNifti, encodeNifti } from '@consilium/imaging';
import { newDirectory, publishModel } from '@consilium/publication';
import { toyAbout } from '../src/toy-about.fixture.ts';
import { toyImage, toyKinds, toyModel } from '../src/toy-model.fixture.ts';

const python = resolve(process.argv[2] ?? 'python3');
const work = mkdtempSync(join(tmpdir(), 'record-monai-'));
const images = join(work, 'images');
const key = generateKeyPairSync('ed25519').privateKey;
const packed = (path: string) =>
  deflateRawSync(decodeNifti(readFileSync(path)).voxels as Uint8Array).toString('base64');

const recorded: Record<string, unknown> = {};
try {
  await (await newDirectory(images)).write('toy.nii.gz', encodeNifti(toyImage()));
  for (const kind of toyKinds) {
    const crate = join(work, kind);
    const model = await toyModel(kind);
    await publishModel(
      await newDirectory(crate),
      {
        about: toyAbout,
        model,
        record: undefined,
        withPictures: false,
        extras: [],
        software: {},
        rehearsal: undefined,
      },
      key,
    );
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    } as const;
    for (const phase of [undefined, 'nephrographic']) {
      const out = join(work, `${kind}-${phase}`);
      const monai = ['-W', 'ignore', '-m', 'monai.bundle', 'run', '--config_file', 'configs/inference.json'];
      const where = ['--dataset_dir', images, '--output_dir', out, ...(phase === undefined ? [] : ['--phase', phase])];
      execFileSync(python, [...monai, ...where], { ...options, cwd: join(crate, 'monai') });
      const onnx = [join(crate, 'examples/predict.py'), join(images, 'toy.nii.gz'), `${out}.nii.gz`];
      execFileSync(python, [...onnx, ...(phase === undefined ? [] : [phase])], options);
      recorded[`${kind} ${phase ?? 'any phase'}`] = {
        monai: packed(join(out, 'toy_segmentation.nii.gz')),
        onnx: packed(`${out}.nii.gz`),
      };
    }
  }
  const versions = execFileSync(
    python,
    [
      '-c',
      'import monai, torch, onnxruntime, numpy; print(monai.__version__, torch.__version__, onnxruntime.__version__, numpy.__version__)',
    ],
    { encoding: 'utf8' },
  );
  process.stdout.write(`${JSON.stringify({ versions: versions.trim(), recorded }, null, 1)}\n`);
} finally {
  rmSync(work, { recursive: true });
}
