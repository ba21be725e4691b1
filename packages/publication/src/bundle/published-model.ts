/**
 * A model on disk, in any of the forms in which Consilium writes one:
 *
 *     model.onnx, weights.safetensors, plan.json [, metadata.json]            of a job, or a bundle
 *     model/...                                                               of a rehearsal, or a crate
 *     models/model.onnx, models/model.safetensors, configs/plan.json, ...     a MONAI bundle that `publish` wrote
 *
 * A MONAI bundle of other software has no plan: how its images are prepared is Python, which is not run here.
 */
import { createHash } from 'node:crypto';
import { type Bundle, bundleFiles, decodeBundle } from '@consilium/training';
import { type FileTree, utf8 } from '../file-tree.ts';
import { PublicationError } from '../publication-error.ts';

export interface PublishedModel extends Bundle {
  /** Of the safetensors file: names the model. */
  readonly weightsSha256: string;
  /** The files as they are. */
  readonly files: {
    readonly model: Uint8Array;
    readonly weights: Uint8Array;
    readonly plan: Uint8Array;
  };
}

interface Layout {
  readonly model: string;
  readonly weights: string;
  readonly plan: string;
  readonly metadata: string;
}

const own = (prefix: string): Layout => ({
  model: `${prefix}${bundleFiles.model}`,
  weights: `${prefix}${bundleFiles.weights}`,
  plan: `${prefix}${bundleFiles.plan}`,
  metadata: `${prefix}${bundleFiles.metadata}`,
});

/** Of a MONAI bundle (MONAI, "MONAI Bundle Specification"): what is in `models/` and `configs/`. */
export const monaiLayout: Layout = {
  model: 'models/model.onnx',
  weights: 'models/model.safetensors',
  plan: 'configs/plan.json',
  metadata: 'configs/metadata.json',
};

/**
 * @throws PublicationError `publication.model-not-found`, `publication.model-interactive`;
 *   TrainingError `training.bundle-malformed`
 */
export async function readPublishedModel(tree: FileTree): Promise<PublishedModel> {
  const layout = [own(''), own('model/'), monaiLayout].find(({ model, plan }) => tree.has(model) && tree.has(plan));
  if (layout === undefined) {
    throw new PublicationError(
      'publication.model-not-found',
      'There is no model of Consilium in that place: model.onnx with weights.safetensors and plan.json, or a MONAI bundle that Consilium wrote.',
    );
  }
  const read = async (path: string): Promise<Uint8Array | undefined> => tree.get(path)?.read();
  const files = new Map<string, Uint8Array>();
  for (const name of ['model', 'weights', 'plan', 'metadata'] as const) {
    const bytes = await read(layout[name]);
    if (bytes !== undefined) files.set(bundleFiles[name], bytes);
  }
  if (!files.has(bundleFiles.metadata)) files.set(bundleFiles.metadata, utf8('{}'));
  const bundle = decodeBundle(files);
  if (bundle.plan.interactive !== undefined) {
    throw new PublicationError(
      'publication.model-interactive',
      'The model is one that is clicked on: it segments nothing by itself. Use it in the reading room.',
    );
  }
  const weights = files.get(bundleFiles.weights)!;
  return {
    ...bundle,
    weightsSha256: createHash('sha256').update(weights).digest('hex'),
    files: { model: files.get(bundleFiles.model)!, weights, plan: files.get(bundleFiles.plan)! },
  };
}
