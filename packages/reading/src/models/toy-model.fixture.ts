/**
 * Networks of one convolution of a voxel each, which tell structures by their HU alone, and series on which their answer is
 * known.
 */
import { crc32, deflateRawSync } from 'node:zlib';
import type { Archive } from '@consilium/archive';
import { GraphBuilder, type Model } from '@consilium/engine';
import { type Image, voxelCount } from '@consilium/imaging';
import { tensor } from '@consilium/numerics';
import { encodeBundle, noAugmentation, type Plan, parsePlan } from '@consilium/training';
import { boxLabel, toyFiles, toyGeometry, toySeriesUid } from '../toy-room.fixture.ts';

const patchSize = [4, 8, 8] as const;

function toyPlan(changes: Partial<Record<keyof Plan, unknown>> = {}): Plan {
  return parsePlan({
    version: 1,
    classes: [
      { name: 'kidney', value: 1 },
      { name: 'tumour', value: 2 },
    ],
    regions: [{ name: 'kidney', classes: [1, 2] }],
    spacingMm: toyGeometry.spacingMm,
    patchSize,
    batchSize: 1,
    normalisation: { clipHu: [-1000, 1000], mean: 0, std: 100 },
    network: {
      ...{
        kind: 'unet',
        channels: [2],
        strides: [[1, 1, 1]],
        kernelSizes: [[1, 1, 1]],
        blocksPerLevel: [1],
        classes: 3,
      },
    },
    loss: { terms: [{ kind: 'dice' }] },
    optimiser: { kind: 'adamw' },
    schedule: { kind: 'polynomial', initial: 0.01, power: 0.9, warmUpSteps: 0 },
    foregroundFraction: 0.5,
    augmentation: { ...noAugmentation, flips: [false, false, true] },
    memoryBudgetMb: 100,
    inference: { overlap: 0.5, flips: false },
    ...changes,
  });
}

/** Logits that are a linear function of a voxel's channels, one row of weights a class. */
function linearModel(weights: readonly (readonly number[])[], biases: readonly number[]): Model {
  const channels = weights[0]!.length;
  const graph = new GraphBuilder({ name: 'linear' });
  const image = graph.input('image', 'float32', [1, channels, ...patchSize]);
  const kernel = tensor('float32', [weights.length, channels, 1, 1, 1], Float32Array.from(weights.flat()));
  const bias = tensor('float32', [biases.length], Float32Array.from(biases));
  const logits = graph.op('Conv', [image, graph.parameter('weight', kernel), graph.parameter('bias', bias)], {
    kernel_shape: [1, 1, 1],
  });
  graph.output('logits', logits);
  return graph.build();
}

/** Kidney above `kidneyHu`, tumour above `tumourHu`. `slope`: how sure it is of it, per 100 HU. */
export function thresholdBundle({
  kidneyHu = 100,
  slope = 20,
  tumourHu = 200,
  classes = ['kidney', 'tumour'],
}: {
  kidneyHu?: number;
  tumourHu?: number;
  slope?: number;
  classes?: readonly [string, string];
} = {}): Map<string, Uint8Array> {
  const [low, high] = [kidneyHu / 100, tumourHu / 100];
  const model = linearModel([[0], [slope], [2 * slope]], [0, -slope * low, -slope * (low + high)]);
  const named = [
    { name: classes[0], value: 1 },
    { name: classes[1], value: 2 },
  ];
  return encodeBundle({ model, plan: toyPlan({ classes: named }), metadata: { name: 'threshold' } });
}

/** What was clicked on is whatever is above `hu`, but for where was clicked beside it; a mask that is there changes nothing. */
export function clickBundle({ hu = 100 }: { hu?: number } = {}): Map<string, Uint8Array> {
  const model = linearModel(
    [
      [0, 0, 0, 0],
      [20, 0, -200, 0],
    ],
    [0, -hu / 5],
  );
  const plan = toyPlan({
    network: {
      ...{
        kind: 'unet',
        channels: [2],
        strides: [[1, 1, 1]],
        kernelSizes: [[1, 1, 1]],
        blocksPerLevel: [1],
        classes: 2,
      },
      inputChannels: 4,
    },
    interactive: {
      classes: [1, 2],
      guidance: { kind: 'disc', radiusMm: 1.5 },
      ...{ clicksMax: 10, predictionsMax: 2, automaticProbability: 0.1 },
      previousMask: { probability: 0.5, errorMm: 2 },
      evaluation: { clicks: [0, 1, 3], scored: 3 },
    },
  });
  return encodeBundle({ model, plan, metadata: { name: 'click' } });
}

/** Kidney and tumour of an image of `blockImage`. */
export function blockLabel(shift = 0): Uint8Array {
  const label = boxLabel(1, { shift });
  const tumour = boxLabel(2, { shift: shift + 3, from: 6, to: 8 });
  for (let at = 0; at < label.length; at++) if (label[at] === 1 && tumour[at] === 2) label[at] = 2;
  return label;
}

/** Soft tissue of 40 HU, in it what `blockLabel` draws, of 150 and 250 HU. */
export function blockImage({ kidneyHu = 150, shift = 0 }: { shift?: number; kidneyHu?: number } = {}): Image {
  const label = blockLabel(shift);
  const hu = [40, kidneyHu, 250];
  const voxels = Int16Array.from({ length: voxelCount(toyGeometry) }, (_, at) => hu[label[at]!]!);
  return { geometry: toyGeometry, voxels };
}

export async function admitBlocks(
  archive: Archive,
  patients: Readonly<Record<string, Parameters<typeof blockImage>[0]>>,
): Promise<readonly string[]> {
  for (const [patient, image] of Object.entries(patients)) {
    for (const file of toyFiles(patient, 0, blockImage(image))) await archive.door.admit(file, { kind: 'folder' });
  }
  await archive.series.settle();
  return Object.keys(patients).map(toySeriesUid);
}

/** A zip file (APPNOTE.TXT 4.3). */
export function zipOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const packed = deflateRawSync(bytes);
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(bytes.length, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, place, Buffer.from(name));
    const head = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), packed]);
    local.push(head);
    offset += head.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.size, 8);
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
