import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  axisAligned,
  canonical,
  decodeNifti,
  decodeNrrdSegmentation,
  encodeNifti,
  encodeNrrd,
  type Geometry,
  type LabelMap,
  parsePart10,
  readDicomSegmentation,
  toLabelMap,
  uidOf,
} from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Archive } from '../archive.ts';
import { openToyArchive, ToyDirectory, toyImage, toySegmentation, toySeries } from '../toy-archive.fixture.ts';
import { placementOn } from './grid-placement.ts';

const toy = { patient: 'P1' };
const series = uidOf('toy', 'P1', 'study', 'series');
const { geometry } = toyImage(toy);
const names = { 1: 'kidney', 4: 'tumour' };
const labels: LabelMap = { geometry, voxels: Uint8Array.from({ length: 4 * 6 * 8 }, (_, at) => [0, 1, 4][at % 3]!) };

/** The same voxels, stored from the left, front and top on. */
function flipped({ geometry: { size, axes, originMm, spacingMm }, voxels }: LabelMap): LabelMap {
  const end = axes.reduce<readonly number[]>(
    (at, axis, index) => at.map((mm, world) => mm + axis[world]! * spacingMm[index]! * (size[index]! - 1)),
    [...originMm],
  );
  const turned = axes.map((axis) => axis.map((along) => 0 - along)) as unknown as Geometry['axes'];
  return {
    geometry: { size, spacingMm, axes: turned, originMm: end as unknown as Geometry['originMm'] },
    voxels: voxels.toReversed(),
  };
}

let directory: ToyDirectory;
let archive: Archive;
beforeAll(async () => {
  directory = new ToyDirectory();
  archive = await openToyArchive(directory.path);
  for (const bytes of toySeries(toy)) await archive.door.admit(bytes, { kind: 'folder' });
  await archive.series.settle();
});
afterAll(async () => {
  await archive[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

async function importing(bytes: Uint8Array, facts: Parameters<Archive['labels']['import']>[2] = { kind: 'manual' }) {
  await archive.labels.import(series, bytes, facts);
  await archive.series.settle();
  return archive.catalogue.seriesDetails(series).labels;
}

/** Other programs that read what is given out; in CI they must be there. */
const peers = ['dciodvfy', 'dcmdump'].filter((peer) => spawnSync(peer, ['--version']).error === undefined);
const hasPeers = peers.length === 2;
if (!hasPeers) console.info('no dciodvfy or dcmdump: install dicom3tools and dcmtk');

describe('a segmentation as a file', () => {
  it('comes in however its axes run, and goes out on the series’ own voxels', async () => {
    const facts = { kind: 'manual', names } as const;
    const [label, ...others] = await importing(encodeNifti(flipped(labels), { description: 'Meyer' }), facts);
    expect(others).toEqual([]);
    expect(label).toMatchObject({ format: 'nifti', isOnGrid: true, provenance: { kind: 'manual' } });
    expect(label!.segments.map(({ number, name }) => [number, name])).toEqual([
      [1, 'kidney'],
      [4, 'tumour'],
    ]);
    const nifti = toLabelMap(decodeNifti(await archive.labels.export(series, { format: 'nifti' })));
    expect(placementOn(nifti.geometry, geometry)).toBe('same');
    expect(canonical(nifti).voxels).toEqual(canonical(labels).voxels);
    const nrrd = decodeNrrdSegmentation(await archive.labels.export(series, { format: 'nrrd' }));
    expect(nrrd.segments.map(({ name }) => name)).toEqual(['kidney', 'tumour']);
    expect(nrrd.labels.voxels).toEqual(labels.voxels.map((number) => (number === 4 ? 2 : number)));
    const bytes = await archive.labels.export(series, { format: 'dicom-seg' });
    const read = await readDicomSegmentation(bytes, geometry);
    expect(read.labels.voxels).toEqual(nrrd.labels.voxels);
    expect(read.segments.map(({ label: name, type }) => [name, type.meaning])).toEqual([
      ['kidney', 'Kidney'],
      ['tumour', 'Neoplasm'],
    ]);
    expect(read.referencedSeriesUid).toBe(series);
    const { data } = parsePart10(bytes);
    const referenced = data.item('ReferencedSeriesSequence')!.items('ReferencedInstanceSequence')!;
    const held = referenced.map((item) => archive.catalogue.holdsInstance(item.text('ReferencedSOPInstanceUID')!));
    expect(held).toEqual([true, true, true, true]);
    expect([data.text('PatientID'), data.text('StudyInstanceUID')]).toEqual(['P1', uidOf('toy', 'P1', 'study')]);
    // And back: the newest is the one that came last.
    for (const file of [bytes, await archive.labels.export(series, { format: 'nrrd', labelId: label!.id })]) {
      const [back] = await importing(file);
      expect(back!.segments.map(({ name }) => name)).toEqual(['kidney', 'tumour']);
      expect(back!.isOnGrid).toBe(true);
    }
  });

  it.skipIf(!hasPeers && process.env['CI'] === undefined)('keeps DICOM’s rules, and dcmtk reads it', async () => {
    const path = join(directory.path, 'out.dcm');
    writeFileSync(path, await archive.labels.export(series, { format: 'dicom-seg' }));
    const verified = spawnSync('dciodvfy', [path], { encoding: 'utf8' });
    const said = `${verified.stdout}${verified.stderr}`;
    expect(said).toContain('Segmentation');
    expect(said.split('\n').filter((line) => line.startsWith('Error'))).toEqual([]);
    const dumped = spawnSync('dcmdump', [path], { encoding: 'utf8' });
    expect([dumped.status, dumped.stderr]).toEqual([0, '']);
    expect(dumped.stdout).toContain('SegmentSequence');
  });

  it('is refused if it lies elsewhere, or is none', async () => {
    const refused = async (bytes: Uint8Array) =>
      archive.labels.import(series, bytes, { kind: 'unknown' }).then(
        () => 'taken',
        ({ code }) => code,
      );
    const { size, spacingMm, originMm } = geometry;
    const at = (changes: Partial<Parameters<typeof axisAligned>[0]>): LabelMap => {
      const moved = axisAligned({ size, spacingMm, originMm, ...changes });
      return { geometry: moved, voxels: new Uint8Array(moved.size[0] * moved.size[1] * moved.size[2]) };
    };
    const elsewhere = [
      at({ originMm: [-20, 10.4, -300] }),
      at({ spacingMm: [2.5, 0.75, 0.8] }),
      at({ size: [3, 6, 8] }),
      at({ size: [8, 6, 4] }),
      at({ originMm: [-20, 10, -300 + 2.5] }),
    ];
    for (const one of elsewhere) {
      expect(await refused(encodeNifti(one))).toBe('archive.label-off-grid');
      expect(await refused(encodeNrrd(one))).toBe('archive.label-off-grid');
    }
    expect(await refused(await toySegmentation({ patient: 'P2', spacingMm: [2.5, 0.8, 0.8] }))).toBe(
      'archive.label-off-grid',
    );
    expect(await refused(Buffer.from('no segmentation'))).toBe('archive.label-unreadable');
    expect(await refused(encodeNifti(toyImage({ seed: 2 })))).toBe('archive.label-unreadable');
    await expect(archive.labels.import('1.2.3', encodeNifti(labels), { kind: 'manual' })).rejects.toMatchObject({
      code: 'archive.series-unknown',
    });
    const labelId = 999;
    await expect(archive.labels.export(series, { format: 'nifti', labelId })).rejects.toMatchObject({
      code: 'archive.label-unknown',
    });
  });
});
