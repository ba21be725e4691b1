import { axisAligned, decodeNifti, encodeNifti, readDicomSegmentation, writeDicomSeries } from '@consilium/imaging';
import { clickChannels } from '@consilium/training';
import { describe, expect, it } from 'vitest';
import { readPublishedModel } from '../bundle/published-model.ts';
import { jsonBytes, utf8 } from '../file-tree.ts';
import { treeOf } from '../memory-sink.fixture.ts';
import { toyModelTree, toyPlan } from '../toy-model.fixture.ts';
import { toySeries } from '../toy-series.fixture.ts';
import { predictionAsDicom, predictionAsNifti, predictionTime } from './prediction-file.ts';
import { readPredictionInput } from './prediction-input.ts';

const by = {
  plan: toyPlan('unet'),
  weightsSha256: 'ab'.repeat(32),
  version: '0.1.0',
  madeAt: '2026-11-26T12:00:00.000Z',
};
const series = writeDicomSeries(...toySeries('1.2.3', 6));
const files = (some: readonly Uint8Array[], ending = '.dcm') =>
  new Map(some.map((bytes, index) => [`${index}${ending}`, bytes] as const));

describe('an input to predict on', () => {
  it('is the CT series of most slices among all kinds of files, or the one that is named', async () => {
    const small = writeDicomSeries(...toySeries('1.2.4', 3));
    const tree = treeOf(new Map([...files(series), ...files(small, 'b.dcm'), ['notes.txt', utf8('hello')]]));
    const chosen = await readPredictionInput(tree);
    expect(chosen.image.geometry.size).toEqual([6, 8, 9]);
    expect(chosen.volumes).toBe(2);
    const named = await readPredictionInput(tree, { seriesInstanceUid: '1.2.4' });
    expect(named.image.geometry.size).toEqual([3, 8, 9]);
  });

  it('is refused where there is no CT volume, or none of that name', async () => {
    const wanted = { code: 'publication.input-not-found' };
    await expect(readPredictionInput(treeOf(new Map([['a.txt', utf8('hello')]])))).rejects.toMatchObject(wanted);
    await expect(readPredictionInput(treeOf(files(series)), { seriesInstanceUid: '9.9' })).rejects.toMatchObject(
      wanted,
    );
  });

  it('is refused where two NIfTI images lie', async () => {
    const nifti = encodeNifti(toySeries('1.2.3', 6)[0]);
    await expect(readPredictionInput(treeOf(files([nifti, nifti], '.nii.gz')))).rejects.toMatchObject({
      code: 'publication.input-ambiguous',
    });
  });
});

describe('a prediction', () => {
  it('of a series is a DICOM Segmentation that refers to it, with coded segments', async () => {
    const { image, series: info } = await readPredictionInput(treeOf(files(series)));
    const voxels = Uint8Array.from({ length: image.voxels.length }, (_, index) => index % 3);
    const bytes = predictionAsDicom({ geometry: image.geometry, voxels }, info, by);
    const { labels, segments } = await readDicomSegmentation(bytes, image.geometry);
    expect(labels.voxels).toEqual(voxels);
    expect(segments.map(({ label, type }) => [label, type.meaning])).toEqual([
      ['kidney', 'Kidney'],
      ['tumour', 'Neoplasm'],
    ]);
    expect(segments[0]).toMatchObject({ algorithmType: 'AUTOMATIC', algorithmName: 'Consilium abababababab' });
    expect(predictionAsDicom({ geometry: image.geometry, voxels }, info, by)).toEqual(bytes);
  });

  it('may be empty', async () => {
    const { image, series: info } = await readPredictionInput(treeOf(files(series)));
    const empty = { geometry: image.geometry, voxels: new Uint8Array(image.voxels.length) };
    const { labels } = await readDicomSegmentation(predictionAsDicom(empty, info, by), image.geometry);
    expect(labels.voxels.every((value) => value === 0)).toBe(true);
  });

  it('of NIfTI is NIfTI and can be nothing else', () => {
    const labels = {
      geometry: axisAligned({ size: [1, 2, 2], spacingMm: [1, 1, 1] }),
      voxels: Uint8Array.of(0, 1, 2, 1),
    };
    expect(decodeNifti(predictionAsNifti(labels, by, true)).voxels).toEqual(labels.voxels);
    expect(() => predictionAsDicom(labels, undefined, by)).toThrow(
      expect.objectContaining({ code: 'publication.output-not-possible' }),
    );
  });

  it('has a date that can be read', () => {
    expect(predictionTime('2026-11-26T12:00:00Z')).toBe(by.madeAt);
    expect(() => predictionTime('yesterday')).toThrow(expect.objectContaining({ code: 'publication.date-malformed' }));
  });
});

describe('a model to predict with', () => {
  it('is found where a rehearsal, a crate or a job leaves it, with or without metadata', async () => {
    const own = toyModelTree('unet');
    const inFolder = new Map([...own].map(([path, source]) => [`model/${path}`, source]));
    const one = await readPublishedModel(own);
    expect((await readPublishedModel(inFolder)).weightsSha256).toBe(one.weightsSha256);
    const withMetadata = new Map([...own, ...treeOf(new Map([['metadata.json', jsonBytes({ title: 'x' })]]))]);
    expect((await readPublishedModel(withMetadata)).metadata).toEqual({ title: 'x' });
  });

  it('is refused where there is none', async () => {
    await expect(readPublishedModel(new Map())).rejects.toMatchObject({ code: 'publication.model-not-found' });
  });

  it('is refused where it takes clicks', async () => {
    const plan = toyPlan('unet');
    const interactive = {
      ...plan,
      network: { ...plan.network, inputChannels: clickChannels, classes: 2 },
      interactive: {
        classes: [1],
        guidance: { kind: 'disc', radiusMm: 5 },
        clicksMax: 3,
        predictionsMax: 1,
        automaticProbability: 0.1,
        previousMask: { probability: 0.3, errorMm: 2 },
        evaluation: { clicks: [0, 1], scored: 1 },
      },
    };
    const tree = new Map([...toyModelTree('unet'), ...treeOf(new Map([['plan.json', jsonBytes(interactive)]]))]);
    await expect(readPublishedModel(tree)).rejects.toMatchObject({ code: 'publication.model-interactive' });
  });
});
