/**
 * A MONAI Bundle (MONAI, "MONAI Bundle Specification") that real MONAI runs: the network in plain PyTorch with our weights,
 * preparation and windows in NumPy as in training, the rest MONAI's own. The model also lies there as ONNX.
 *
 *     configs/metadata.json, inference.json, plan.json    models/model.safetensors, model.onnx
 *     scripts/                                            docs/README.md, LICENSE
 */
import type { Plan } from '@consilium/training';
import { jsonBytes, utf8 } from '../file-tree.ts';
import { packageFile, pythonFiles } from '../package-files.ts';
import { monaiLayout, type PublishedModel } from './published-model.ts';

export interface MonaiBundleFacts {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  /** One line. */
  readonly authors: string;
  readonly copyright: string;
  readonly intendedUse: string;
  /** What the data were, in a sentence. */
  readonly dataSource: string;
  /** Names and values, such as a mean Dice. */
  readonly evaluation: Readonly<Record<string, number>>;
}

/** With these MONAI ran the bundle to the same segmentation as ours: `bench/publication`. */
const triedWith = {
  monai: '1.6.1',
  pytorch: '2.13.0',
  numpy: '2.4.6',
  nibabel: '5.4.2',
  ignite: '0.5.5',
  fire: '0.7.1',
} as const;

/** By path in the bundle. */
export function monaiBundle(model: PublishedModel, facts: MonaiBundleFacts): ReadonlyMap<string, Uint8Array> {
  return new Map([
    ['configs/inference.json', jsonBytes(inferenceConfig())],
    [monaiLayout.metadata, jsonBytes(metadataOf(model.plan, facts))],
    [monaiLayout.plan, model.files.plan],
    [monaiLayout.model, model.files.model],
    [monaiLayout.weights, model.files.weights],
    ['docs/README.md', utf8(readme(facts))],
    ['LICENSE', packageFile('python/LICENSE')],
    ...pythonFiles(),
  ]);
}

function metadataOf(plan: Plan, facts: MonaiBundleFacts): Readonly<Record<string, unknown>> {
  const { patchSize, network, normalisation } = plan;
  const names = ['background', ...Array.from({ length: network.classes - 1 }, (_, index) => `class ${index + 1}`)];
  for (const { name, value } of plan.classes) names[value] = name;
  return {
    schema: 'https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json',
    version: facts.version,
    changelog: { [facts.version]: 'as published' },
    monai_version: triedWith.monai,
    pytorch_version: triedWith.pytorch,
    numpy_version: triedWith.numpy,
    required_packages_version: { nibabel: triedWith.nibabel, 'pytorch-ignite': triedWith.ignite, fire: triedWith.fire },
    supported_apps: {},
    name: facts.title,
    task: 'Segmentation of structures in CT',
    description: facts.description,
    authors: facts.authors,
    copyright: facts.copyright,
    data_source: facts.dataSource,
    data_type: 'nifti',
    image_classes: 'one channel, CT, Hounsfield units',
    label_classes: names.map((name, value) => `${value}: ${name}`).join(', '),
    pred_classes: `${network.classes} channels of logits`,
    eval_metrics: facts.evaluation,
    intended_use: facts.intendedUse,
    references: [],
    network_data_format: {
      inputs: {
        image: {
          type: 'image',
          format: 'hounsfield',
          modality: 'CT',
          num_channels: network.inputChannels,
          spatial_shape: [...patchSize],
          dtype: 'float32',
          value_range: normalisation.clipHu.map((hu) => (hu - normalisation.mean) / normalisation.std),
          is_patch_data: true,
          channel_def: { '0': 'image' },
        },
      },
      outputs: {
        pred: {
          type: 'image',
          format: 'logits',
          num_channels: network.classes,
          spatial_shape: [...patchSize],
          dtype: 'float32',
          value_range: [],
          is_patch_data: true,
          channel_def: Object.fromEntries(names.map((name, value) => [String(value), name])),
        },
      },
    },
  };
}

/** The names of its parts are those that MONAI's other software looks for (MONAI Label, MONAI Deploy). */
function inferenceConfig(): Readonly<Record<string, unknown>> {
  return {
    imports: ['$import glob', '$import os', '$import torch', '$import scripts'],
    bundle_root: '.',
    dataset_dir: "$@bundle_root + '/data'",
    output_dir: "$@bundle_root + '/eval'",
    datalist: "$sorted(glob.glob(os.path.join(@dataset_dir, '*.nii*')))",
    device: "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    plan: "$scripts.read_plan(@bundle_root + '/configs/plan.json')",
    phase: null,
    network_def: { _target_: 'scripts.Network', spec: "$@plan['network']" },
    network: "$scripts.with_weights(@network_def, @bundle_root + '/models/model.safetensors').to(@device)",
    preprocessing: {
      _target_: 'Compose',
      transforms: [
        { _target_: 'LoadImaged', keys: 'image', reader: 'NibabelReader' },
        { _target_: 'EnsureChannelFirstd', keys: 'image', channel_dim: 'no_channel' },
        { _target_: 'Orientationd', keys: 'image', axcodes: 'LPS', labels: "$(('L', 'R'), ('P', 'A'), ('I', 'S'))" },
        { _target_: 'scripts.PrepareImaged', keys: 'image', plan: '@plan', phase: '@phase' },
      ],
    },
    dataset: { _target_: 'Dataset', data: "$[{'image': path} for path in @datalist]", transform: '@preprocessing' },
    dataloader: { _target_: 'DataLoader', dataset: '@dataset', batch_size: 1, shuffle: false, num_workers: 0 },
    inferer: { _target_: 'scripts.EvenWindowInferer', plan: '@plan', phase: '@phase' },
    postprocessing: {
      _target_: 'Compose',
      transforms: [
        { _target_: 'scripts.RestoreLabelsd', keys: 'pred', image_key: 'image' },
        {
          _target_: 'SaveImaged',
          keys: 'pred',
          output_dir: '@output_dir',
          output_postfix: 'segmentation',
          output_dtype: '$torch.uint8',
          resample: false,
          separate_folder: false,
        },
      ],
    },
    handlers: [],
    evaluator: {
      _target_: 'SupervisedEvaluator',
      device: '@device',
      val_data_loader: '@dataloader',
      network: '@network',
      inferer: '@inferer',
      postprocessing: '@postprocessing',
      val_handlers: '@handlers',
      amp: false,
    },
    run: ['$@evaluator.run()'],
  };
}

function readme({ title, description, intendedUse }: MonaiBundleFacts): string {
  return `# ${title}

${description}

${intendedUse}

## Run it

    pip install monai==${triedWith.monai} torch==${triedWith.pytorch} nibabel==${triedWith.nibabel} pytorch-ignite==${triedWith.ignite} fire==${triedWith.fire}
    python -m monai.bundle run --config_file configs/inference.json --dataset_dir /path/to/images --output_dir /path/to/results

from this directory, which holds the package \`scripts\`. Every \`.nii\` or \`.nii.gz\` among the images is segmented on its own
voxels. \`--phase nephrographic\` (or unenhanced, corticomedullary, excretory) normalises for a phase of contrast
enhancement, where \`configs/plan.json\` has figures for it.

\`models/model.onnx\` is the same model for ONNX Runtime: input \`image\` [n, 1, z, y, x] as \`scripts/grid.py\` prepares it,
output \`logits\` [n, classes, z, y, x].
`;
}
