/**
 * Segments a CT with the published model, in Node 24 or newer. Beside this file:
 *
 *     npm install @consilium/engine @consilium/imaging @consilium/training
 *     node predict.ts IMAGE.nii.gz SEGMENTATION.nii.gz
 *
 * DICOM series, DICOM SEG and zips: `consilium predict --bundle ../model --input STUDY`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { nodeRuntime } from '@consilium/engine/node';
import { decodeNifti, encodeNifti } from '@consilium/imaging';
import { bundleFiles, decodeBundle, predict } from '@consilium/training';

const [source, target] = process.argv.slice(2);
if (source === undefined || target === undefined) throw new Error('node predict.ts IMAGE.nii.gz SEGMENTATION.nii.gz');

const files = new Map<string, Uint8Array>();
for (const name of Object.values(bundleFiles)) {
  files.set(name, await readFile(new URL(`../model/${name}`, import.meta.url)));
}
const { model, plan } = decodeBundle(files);

const { geometry, voxels } = decodeNifti(await readFile(source));
const image = { geometry, voxels: voxels instanceof Uint8Array ? Int16Array.from(voxels) : voxels };
const labels = await predict({ runtime: nodeRuntime(), model, plan, image, threads: 2 });
await writeFile(target, encodeNifti(labels));

const millilitres = geometry.spacingMm.reduce((product, edge) => product * edge, 1) / 1000;
for (const { name, value } of plan.classes) {
  const count = labels.voxels.reduce((sum, voxel) => sum + (voxel === value ? 1 : 0), 0);
  console.log(`${name}: ${(count * millilitres).toFixed(1)} ml`);
}
