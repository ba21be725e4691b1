import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { uidOf } from '@consilium/imaging';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import type { Archive } from '../archive.ts';
import type { ArchiveEvent } from '../archive-events.ts';
import {
  killWhenItSpeaks,
  openToyArchive,
  ToyClock,
  ToyDirectory,
  toySegmentation,
  toySeries,
} from '../toy-archive.fixture.ts';

const admitAll = async (archive: Archive, files: readonly Uint8Array[]): Promise<void> => {
  await Promise.all(files.map((bytes) => archive.door.admit(bytes, { kind: 'folder' })));
};
const toy = { patient: 'P1', description: 'Abdomen venous', contrastAgent: 'Iomeron' };
const seriesInstanceUid = uidOf('toy', 'P1', 'study', 'series');

describe('a series', () => {
  it('that has settled is described by its header, volume and segmentation', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    await admitAll(archive, [...toySeries(toy), await toySegmentation(toy)]);
    await archive.series.settle();
    const series = archive.catalogue.seriesDetails(seriesInstanceUid);
    expect(series).toMatchObject({
      state: 'described',
      vendor: 'Siemens',
      kernel: 'B30f',
      kvp: 120,
      hasContrast: true,
      geometry: { size: [4, 6, 8], spacingMm: [2.5, 0.75, 0.75] },
      coverageMm: 10,
      labelCount: 1,
      labels: [{ format: 'dicom-seg', isOnGrid: true, provenance: { kind: 'manual' } }],
    });
    const voxelMl = (2.5 * 0.75 * 0.75) / 1000;
    const volumes = series.labels[0]!.segments.map(({ name, volumeMl }) => [name, Math.round(volumeMl / voxelMl)]);
    expect(volumes).toEqual([
      ['Kidney', 64],
      ['Tumour', 32],
      ['Cyst', 0],
    ]);
    expect(archive.catalogue.count('labelled = yes and segment = Tumour and tumourVolume > 0.04').series).toBe(1);
    const { width, height } = PNG.sync.read(Buffer.from(archive.catalogue.thumbnail(seriesInstanceUid)!));
    expect([width, height]).toEqual([128, 96]);
    const segmentation = archive.catalogue.search('modality = SEG').series[0]!;
    expect(segmentation).toMatchObject({ state: 'described', geometry: undefined, findingCount: 0 });
  });

  it('is described anew when its segmentation comes later, or first', async () => {
    const files = toySeries(toy);
    const segmentation = await toySegmentation(toy);
    for (const order of [
      [files, [segmentation]],
      [[segmentation], files],
    ]) {
      using directory = new ToyDirectory();
      await using archive = await openToyArchive(directory.path);
      for (const part of order) {
        await admitAll(archive, part);
        await archive.series.settle();
      }
      expect(archive.catalogue.seriesDetails(seriesInstanceUid)).toMatchObject({ state: 'described', labelCount: 1 });
    }
  });

  it('waits until nothing has been added for a while', async () => {
    using directory = new ToyDirectory();
    const clock = new ToyClock();
    await using archive = await openToyArchive(directory.path, { settleMs: 60_000 }, { clock });
    const files = toySeries(toy);
    await admitAll(archive, files.slice(0, 2));
    clock.timeMs += 50_000;
    await admitAll(archive, files.slice(2));
    const startMs = clock.timeMs;
    const { promise, resolve } = Promise.withResolvers<ArchiveEvent>();
    using _listening = archive.events.listen((event) => event.kind === 'described' && resolve(event));
    const over = new AbortController();
    const running = archive.series.run(over.signal);
    expect(await promise).toMatchObject({ seriesInstanceUid, code: undefined, waiting: 0 });
    expect(clock.timeMs).toBeGreaterThanOrEqual(startMs + 60_000);
    over.abort();
    await running;
    expect(archive.catalogue.seriesDetails(seriesInstanceUid).geometry?.size).toEqual([4, 6, 8]);
  });

  it('that cannot be read as a volume says why, until the missing slice comes', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    const files = toySeries({ ...toy, size: [6, 6, 8] });
    await admitAll(
      archive,
      files.filter((_, index) => index !== 2),
    );
    await archive.series.settle();
    const incomplete = archive.catalogue.seriesDetails(seriesInstanceUid);
    expect(incomplete).toMatchObject({ state: 'unreadable', stateCode: 'volume.slices-missing', failedCount: 1 });
    await admitAll(archive, files);
    await archive.series.settle(seriesInstanceUid);
    const whole = archive.catalogue.seriesDetails(seriesInstanceUid);
    expect(whole).toMatchObject({ state: 'described', stateCode: undefined, failedCount: 0 });
    await expect(archive.series.settle('1.2.3')).rejects.toMatchObject({ code: 'archive.series-unknown' });
  });

  it('that shows the same as an earlier one of the subject is its duplicate', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    await admitAll(archive, [
      ...toySeries({ patient: 'P1', series: 'first' }),
      ...toySeries({ patient: 'P1', series: 'again', study: 'other' }),
      ...toySeries({ patient: 'P1', series: 'different', seed: 5 }),
      ...toySeries({ patient: 'P2', series: 'first' }),
    ]);
    await archive.series.settle();
    const byUid = (...names: [string, ...string[]]) => archive.catalogue.seriesDetails(uidOf('toy', ...names));
    expect(byUid('P1', 'other', 'again').duplicateOf).toBe(uidOf('toy', 'P1', 'study', 'first'));
    expect(byUid('P1', 'study', 'different').duplicateOf).toBeUndefined();
    // Also where the later one was looked at first.
    await archive.series.settle(uidOf('toy', 'P1', 'study', 'first'));
    expect(byUid('P1', 'study', 'first').duplicateOf).toBeUndefined();
    expect(byUid('P1', 'other', 'again').duplicateOf).toBe(uidOf('toy', 'P1', 'study', 'first'));
    const elsewhere = byUid('P2', 'study', 'first');
    expect(elsewhere.duplicateOf).toBeUndefined();
    expect(elsewhere.findings.map(({ code }) => code)).toContain('volume.of-other-subject');
  });

  it('whose words contradict the brightness of the kidneys gets a finding, and a person has the last word', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    // The toy's values are spread evenly from -900 to 600: the kidneys have less than 65 HU.
    await admitAll(archive, [...toySeries(toy), await toySegmentation(toy)]);
    await archive.series.settle();
    const series = archive.catalogue.seriesDetails(seriesInstanceUid);
    expect(series.findings.map(({ code }) => code)).toEqual(['label.phase-contradicts']);
    expect(series.phase).toBe('nephrographic');
    await archive.curation.setPhase(seriesInstanceUid, 'excretory');
    await archive.curation.tag(seriesInstanceUid, 'checked');
    await archive.curation.note(seriesInstanceUid, { author: 'Reader', text: 'motion artefact' });
    await archive.curation.find(seriesInstanceUid, {
      code: 'motion',
      severity: 'failed',
      message: 'Moved.',
      source: 'Reader',
    });
    await archive.series.settle(seriesInstanceUid);
    expect(
      archive.catalogue.count('phase = excretory and tag = checked and "motion artefact" and failed = yes').series,
    ).toBe(1);
    await archive.curation.withdrawFinding(seriesInstanceUid, { code: 'motion', source: 'Reader' });
    await archive.curation.untag(seriesInstanceUid, 'checked');
    expect(archive.catalogue.count('failed = yes or tag = checked').series).toBe(0);
  });
});

describe('the queue of series', () => {
  it('does not stop at one whose files are gone or cannot be read', async () => {
    using directory = new ToyDirectory();
    await using archive = await openToyArchive(directory.path);
    for (const patient of ['P1', 'P2', 'P3']) await admitAll(archive, toySeries({ patient }));
    const pathOf = (patient: string): string => {
      const [instance] = archive.catalogue.instancesOf({ studyInstanceUid: uidOf('toy', patient, 'study') });
      return join(directory.path, 'instances', instance!.sha256.slice(0, 2), instance!.sha256);
    };
    rmSync(pathOf('P1'));
    rmSync(pathOf('P2'));
    mkdirSync(pathOf('P2'));
    await archive.series.settle();
    const states = archive.catalogue.search('').series.map(({ state, stateCode }) => [state, stateCode]);
    expect(states).toEqual([
      ['unreadable', 'archive.instance-damaged'],
      ['unreadable', 'archive.description-failed'],
      ['described', undefined],
    ]);
  });

  it('goes on after the process was killed while it looked at some', async () => {
    using directory = new ToyDirectory();
    await killWhenItSpeaks(new URL('./describing.fixture.ts', import.meta.url), [directory.path]);
    await using archive = await openToyArchive(directory.path);
    const described = archive.catalogue.count('state = described').series;
    expect(described).toBe(3);
    await archive.series.settle();
    expect(archive.catalogue.count('state = described').series).toBe(8);
  });
});
