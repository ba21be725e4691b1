import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cohort } from './cohort.ts';
import { openLocalLog } from './ports/local-log.ts';
import { parseWorkerSettings } from './settings.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

function settingsOf(directory: ToyDirectory, sites: readonly string[] = ['site-1'], workDirectory = 'work') {
  return parseWorkerSettings({
    siteId: sites.length === 1 ? sites[0] : 'pooled',
    sources: sites.map((siteId) => ({ siteId, directory: join(directory.path, siteId) })),
    workDirectory: join(directory.path, workDirectory),
    seed: 1,
    threads: 1,
  });
}
const open = (directory: ToyDirectory, settings = settingsOf(directory)) =>
  Cohort.open(settings, openLocalLog(join(directory.path, 'work/log.jsonl')));
const described = (cohort: Cohort) =>
  cohort.usable().map(({ pseudonym, split, source }) => [pseudonym, split, source.id]);

describe('the settings of a site', () => {
  it('that are wrong are refused with the name of the field', () => {
    const settings = { siteId: 'site-1', sources: [], workDirectory: 'work', seed: 1, threads: 1 };
    expect(() => parseWorkerSettings(settings)).toThrow(
      expect.objectContaining({ code: 'site.bad-settings', message: expect.stringContaining('"sources"') }),
    );
  });
});

describe('a cohort', () => {
  it('gives cases pseudonyms and splits that stay the same when it is opened again', async () => {
    using directory = new ToyDirectory();
    for (let index = 0; index < 8; index++) directory.toyCase(`site-1/patient-${index}`);
    const first = await open(directory);
    expect(first.counts()).toEqual({ train: 5, validation: 1, test: 2 });
    expect(first.usable()[2]!.pseudonym).toBe('case-03');
    expect(described(await open(directory))).toEqual(described(first));
  });

  it('keeps the images of one patient in one part', async () => {
    using directory = new ToyDirectory();
    for (let index = 0; index < 10; index++) {
      directory.toyCase(`site-1/study-${index}`);
      directory.file(`site-1/study-${index}/case.json`, JSON.stringify({ patientId: `patient ${index >> 1}` }));
    }
    const cases = (await open(directory)).usable();
    for (let index = 0; index < 10; index += 2) expect(cases[index]!.split).toBe(cases[index + 1]!.split);
    expect(new Set(cases.map(({ split }) => split)).size).toBe(3);
  });

  it('of several hospitals splits each as the hospital itself does', async () => {
    using directory = new ToyDirectory();
    for (const site of ['site-1', 'site-2']) {
      for (let index = 0; index < 6; index++) directory.toyCase(`${site}/patient-${index}`);
    }
    const alone = await Promise.all(
      ['site-1', 'site-2'].map((site) => open(directory, settingsOf(directory, [site], `work-${site}`))),
    );
    const pooled = await open(directory, settingsOf(directory, ['site-1', 'site-2'], 'work-pooled'));
    expect(pooled.usable().map(({ split }) => split)).toEqual(
      alone.flatMap((cohort) => cohort.usable().map(({ split }) => split)),
    );
    expect(pooled.usable()[6]!.pseudonym).toBe('site-2.case-01');
  });

  it('leaves out cases that cannot be used, by pseudonym outside and by file in its own log', async () => {
    using directory = new ToyDirectory();
    for (const name of ['a-good', 'b-truncated', 'c-good', 'd-not-gzip', 'e-good']) {
      directory.toyCase(`site-1/${name}`);
    }
    directory.file('site-1/f-unlabelled/image.nii.gz');
    directory.file('site-1/g-unreadable/image.nii.gz/a-directory-in-the-place-of-a-file');
    directory.file('site-1/g-unreadable/label.nii.gz');
    truncateSync(join(directory.path, 'site-1/b-truncated/image.nii.gz'), 100);
    directory.file('site-1/d-not-gzip/label.nii.gz', 'junk');
    const cohort = await open(directory);
    for (const one of cohort.usable()) await cohort.attempt(one, () => one.source.load());
    expect(cohort.usable().map(({ source }) => source.id)).toEqual(['a-good', 'c-good', 'e-good']);
    expect(cohort.leftOut.map((one) => [one.case, one.code.split('.')[0]])).toEqual([
      ['case-02', 'imaging'],
      ['case-04', 'imaging'],
      ['case-06', 'site'],
      ['case-07', 'site'],
    ]);
    expect(cohort.leftOut.slice(2).map(({ code }) => code)).toEqual(['site.label-missing', 'site.case-unreadable']);
    expect(JSON.stringify(cohort.leftOut)).not.toMatch(/truncated\/|junk|b-trunc|site-1/);
    expect(readFileSync(join(directory.path, 'work/log.jsonl'), 'utf8')).toContain('b-truncated/image.nii.gz');
  });

  it('does not blame the case for errors that lie elsewhere', async () => {
    using directory = new ToyDirectory();
    directory.toyCase('site-1/a');
    const cohort = await open(directory);
    const full = Object.assign(new Error('full'), { code: 'ENOSPC' });
    await expect(cohort.attempt(cohort.usable()[0]!, () => Promise.reject(full))).rejects.toBe(full);
    expect(cohort.leftOut).toEqual([]);
  });

  it('without a case, or without one left, says so for good', async () => {
    using directory = new ToyDirectory();
    directory.file('site-1/readme.txt');
    await expect(open(directory)).rejects.toMatchObject({ code: 'site.no-usable-case', lasting: true });
    directory.file('site-2/a/image.nii.gz');
    const cohort = await open(directory, settingsOf(directory, ['site-2'], 'work-2'));
    for (const one of cohort.usable()) await cohort.attempt(one, () => one.source.load());
    expect(() => cohort.require('train')).toThrow(expect.objectContaining({ code: 'site.no-usable-case' }));
  });

  it('refuses to go on with other cases than it was split with', async () => {
    using directory = new ToyDirectory();
    for (const name of ['a', 'b', 'c']) directory.toyCase(`site-1/${name}`);
    await open(directory);
    rmSync(join(directory.path, 'site-1/b'), { recursive: true });
    await expect(open(directory)).rejects.toMatchObject({ code: 'site.cohort-changed', lasting: true });
  });
});
