/** A record for tests and for looking at the report. EVERY NUMBER IN IT IS INVENTED. */
import { crc32, deflateSync } from 'node:zlib';
import { createRandom, type Random } from '@consilium/numerics';
import type { RehearsalRecordInput } from './record.ts';

const siteNames = ['Northgate', 'St. Agnes', 'Lakeside', 'Harbour General', 'Old Town', 'Hillcrest'];
const regions = [
  { id: 'kidney-and-masses', name: 'kidney and masses', classes: [1, 2, 3] },
  { id: 'masses', name: 'masses', classes: [2, 3] },
  { id: 'tumour', name: 'tumour', classes: [2] },
];
const phases = ['corticomedullary', 'mostly nephrographic', 'mixed'];
const habits = ['outlines drawn generously', 'cysts not labelled', 'small lesions often missed', 'smooth outlines'];

export interface FixtureOptions {
  readonly seed?: number;
  readonly sites?: number;
  readonly testCases?: number;
  /** Dice that the federated model gains over the sites' own models. */
  readonly gain?: number;
  readonly pooled?: boolean;
  readonly synthetic?: boolean;
}

export function inventedRecord(options: FixtureOptions = {}): RehearsalRecordInput {
  const { seed = 1, sites: siteCount = 6, testCases = 8, gain = 0.12, pooled = true, synthetic = true } = options;
  const random = createRandom(seed, 'invented record');
  const sites = siteNames.slice(0, siteCount).map((name, index) => ({
    id: `site-${index + 1}`,
    name,
    studies: { train: 20 + index, validation: 6, test: testCases },
    excluded:
      index === 2
        ? [
            {
              case: 'case-031',
              code: 'imaging.grids-differ',
              message: 'The segmentation does not lie on the grid of its image.',
            },
          ]
        : [],
    profile: {
      scanner: `Vendor ${'ABC'[index % 3]}, ${[100, 120][index % 2]} kVp`,
      sliceSpacingMm: `${[1, 1.5, 3, 5][index % 4]}`,
      contrastPhases: phases[index % 3]!,
      labelling: habits[index % 4]!,
    },
  }));
  const jobs: RehearsalRecordInput['jobs'] = [
    inventedJob(random.fork('federated'), 'federated', sites, 14, 0.74),
    ...sites.map((site) => inventedJob(random.fork(site.id), 'local', [site], 11, 0.66, site.id)),
    ...(pooled ? [inventedJob(random.fork('pooled'), 'pooled', sites, 13, 0.76)] : []),
  ];
  return {
    title: 'Six hospitals, one kidney-tumour model',
    synthetic,
    startedAt: '2026-11-24T03:51:12Z',
    seconds: 281,
    seed,
    software: { consilium: '0.1.0', node: '24.21.0', 'onnxruntime-node': '1.27.0' },
    machine: '2 cores, 8 GB memory, linux x64',
    command: `npm run rehearse -- --sites ${siteCount} --studies 30 --seed ${seed} --out rehearsal`,
    sites,
    classes: ['background', 'kidney', 'tumour', 'cyst'].map((name, value) => ({ name, value })),
    regions,
    plan: {
      network: 'residual-encoder U-Net, channels 16-32-64-128',
      parameterCount: 1_412_304,
      spacingMm: [3, 2, 2],
      patchSize: [48, 64, 64],
      batchSize: 2,
      loss: 'soft Dice and cross-entropy',
      optimiser: 'SGD, Nesterov momentum 0.99',
      aggregation: 'FedAvg, weighted by training cases',
      stepsPerRound: 20,
      roundsMax: 40,
      patience: 4,
      minimumGain: 0.002,
    },
    toleranceMm: 2,
    scoredAgainst: 'the phantom’s true outlines',
    jobs,
    scores: inventedScores(random.fork('scores'), jobs, sites, { testCases, gain }),
    reliability: jobs.flatMap(({ id, kind }) =>
      sites.map(({ id: siteId }) => ({
        model: id,
        siteId,
        regions: inventedReliability({ federated: 0.12, local: 0.3, pooled: 0.06 }[kind]),
      })),
    ),
    pictures: (['best', 'median', 'worst'] as const).map((kind, index) => ({
      siteId: sites[index % siteCount]!.id,
      case: `case-0${index + 1}`,
      kind,
      png: inventedPng(192, 160, index),
      dice: [0.93, 0.74, 0.21][index]!,
      caption: [
        'Both kidneys and the mass are found.',
        'The mass is cut short below.',
        'A cyst was taken for a tumour.',
      ][index]!,
    })),
    pictureLegend: [
      { label: 'reference outline', colour: '#ffffff' },
      { label: 'kidney', colour: '#56b4e9' },
      { label: 'tumour', colour: '#e69f00' },
      { label: 'cyst', colour: '#cc79a7' },
    ],
    warnings: ['Old Town did not answer in round 5 within the limit; the round went on with 5 sites.'],
  };
}

function inventedJob(
  random: Random,
  kind: 'federated' | 'local' | 'pooled',
  sites: readonly { readonly id: string }[],
  rounds: number,
  ceiling: number,
  siteId?: string,
): RehearsalRecordInput['jobs'][number] {
  const level = (round: number): number => ceiling * (1 - Math.exp(-round / 3.2));
  const each = (of: (index: number) => number): Record<string, number> =>
    Object.fromEntries(sites.map((site, index) => [site.id, of(index)]));
  return {
    id: siteId === undefined ? kind : `local-${siteId}`,
    kind,
    ...(siteId === undefined ? {} : { siteId }),
    rounds: Array.from({ length: rounds }, (_, index) => ({
      round: index + 1,
      seconds: 6 + random.uniform(),
      trainLoss: each((site) => 1.6 - 1.2 * level(index + 1) + 0.04 * site + 0.03 * random.normal()),
      validation: {
        mean: level(index + 1) + 0.008 * random.normal(),
        sites: each((site) => Math.max(0, level(index + 1) - 0.05 + 0.02 * site + 0.015 * random.normal())),
      },
      contributors: sites
        .map((site) => site.id)
        .filter((id) => !(kind === 'federated' && index === 4 && id === 'site-5')),
      leftOut:
        kind === 'federated' && index === 4
          ? [{ siteId: 'site-5', reason: 'The site did not answer within 120 s.' }]
          : [],
    })),
    stopReason: `The predictions no longer improve: the validation score rose by less than 0.002 in the last 4 rounds. Best: round ${rounds - 4}.`,
    bestRound: rounds - 4,
    weightsSha256: Array.from({ length: 8 }, () => random.uint32().toString(16).padStart(8, '0')).join(''),
  };
}

function inventedScores(
  random: Random,
  jobs: RehearsalRecordInput['jobs'],
  sites: readonly { readonly id: string }[],
  { testCases, gain }: { readonly testCases: number; readonly gain: number },
): RehearsalRecordInput['scores'] {
  return sites.flatMap((site, siteIndex) =>
    Array.from({ length: testCases }, (_, index) => {
      const difficulty = 0.12 * random.fork('difficulty', site.id, index).normal();
      return jobs.flatMap((job) => {
        const noise = random.fork(job.id, site.id, index);
        const advantage = { federated: gain, pooled: gain + 0.015, local: job.siteId === site.id ? 0.08 : 0 }[job.kind];
        return regions.map((region, depth) => {
          const raw =
            0.78 - 0.13 * depth - 0.02 * siteIndex + advantage - difficulty * (1 + depth) + 0.06 * noise.normal();
          const dice = raw < 0.12 ? 0 : Math.min(0.97, raw);
          const missed = dice === 0;
          return {
            model: job.id,
            siteId: site.id,
            case: `case-${siteIndex + 1}${String(index + 1).padStart(2, '0')}`,
            patient: `patient-${siteIndex + 1}${String(1 + Math.floor(index / 1.2)).padStart(2, '0')}`,
            region: region.id,
            dice,
            nsd: missed ? 0 : Math.min(0.98, dice + 0.03),
            hd95Mm: missed ? Number.POSITIVE_INFINITY : 4 + 40 * (1 - dice),
            volumeErrorMl: missed ? -8 : 12 * noise.normal(),
            lesionSensitivity: missed ? 0 : 1,
            falsePositives: noise.integer(0, 3) > 1 ? 1 : 0,
            ...{ brier: 0.02 + 0.1 * (1 - dice), ece: 0.01 + 0.1 * (1 - dice) },
          };
        });
      });
    }).flat(),
  );
}

/** Of a network that is surer than it should be, by `excess` at most. */
export function inventedReliability(
  excess: number,
): NonNullable<RehearsalRecordInput['reliability']>[number]['regions'] {
  const bins = Array.from({ length: 10 }, (_, bin) => {
    const [voxels, said] = [1000 * (1 + Math.abs(bin - 4)), (bin + 0.5) / 10];
    const right = said - excess * Math.sin(2 * Math.PI * (said - 0.5));
    return { voxels, probability: voxels * said, reference: Math.round(voxels * right) };
  });
  return Object.fromEntries(regions.map(({ id }) => [id, bins]));
}

/** An ellipse with a disc in it on black: a stand-in for a CT slice with an overlay. */
function inventedPng(width: number, height: number, variant: number): Uint8Array {
  const rows = new Uint8Array(height * (1 + 3 * width));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const body = ((x - width / 2) / (0.46 * width)) ** 2 + ((y - height / 2) / (0.42 * height)) ** 2 < 1;
      const disc = Math.hypot(x - width * (0.3 + 0.1 * variant), y - height * 0.5) < 16;
      const grey = body ? 90 + ((x * 7 + y * 13) % 23) : 0;
      rows.set(disc ? [230, 159, 0] : [grey, grey, grey], y * (1 + 3 * width) + 1 + 3 * x);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
