import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSiteSettings, parseWorkerSettings } from './settings.ts';
import { readSiteSettings } from './site-service.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const least = { siteId: 'site-1', coordinator: 'https://consilium.example.org', data: '/srv/cases' };
const wrong = (field: string) =>
  expect.objectContaining({ code: 'site.bad-settings', message: expect.stringContaining(`"${field}"`) });

describe('the settings of a site', () => {
  it('need a name, a coordinator and data; the rest has defaults', () => {
    const settings = parseSiteSettings(least);
    expect(settings).toEqual({
      ...least,
      seed: 1,
      limits: { tasksAtOnce: 1, freeMemoryMb: 0 },
      secureAggregation: { required: false, thresholdMin: 2 },
    });
  });

  it('may name a proxy, hours, and several sources', () => {
    const all = {
      ...least,
      proxy: 'http://user:password@proxy.example.org:3128',
      data: [{ siteId: 'site-2', directory: '/srv/two' }],
      limits: { tasksAtOnce: 2, hours: { from: '19:30', to: '06:00' }, freeMemoryMb: 4000 },
      threads: 3,
      metricsPort: 9465,
    };
    expect(parseSiteSettings(all)).toMatchObject(all);
  });

  it.each([
    ['siteId', { ...least, siteId: 'St. Mary' }],
    ['coordinator', { ...least, coordinator: 'http://consilium.example.org' }],
    ['coordinator', { ...least, coordinator: 'consilium.example.org' }],
    ['proxy', { ...least, proxy: 'socks5://proxy.example.org' }],
    ['data', { ...least, data: '' }],
    ['data', { ...least, data: [] }],
    ['peers.ulm', { ...least, peers: { ulm: 'd54f 2bbf' } }],
    ['overlap.identifiers.0', { ...least, overlap: { identifiers: ['shoe-size'] } }],
    ['threads', { ...least, threads: 0 }],
    ['limits.tasksAtOnce', { ...least, limits: { tasksAtOnce: 0 } }],
    ['limits.hours.from', { ...least, limits: { hours: { from: '24:00', to: '06:00' } } }],
    ['limits.hours.to', { ...least, limits: { hours: { from: '19:30', to: '6:00' } } }],
    ['limits', { ...least, limits: { nightsOnly: true } }],
    ['metricsPort', { ...least, metricsPort: 0 }],
    ['', { ...least, coordinater: 'https://consilium.example.org' }],
    ['', null],
  ])('wrong at "%s" are refused, naming the field', (field, settings) => {
    expect(() => parseSiteSettings(settings)).toThrow(wrong(field));
  });

  it('never repeat a password in an error', () => {
    const settings = { ...least, proxy: 'https://user:hunter2@proxy.example.org' };
    expect(() => parseSiteSettings(settings)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });

  it.each([
    ['that is not there', null],
    ['that is no YAML', '{ siteId: ['],
    ['that is empty', ''],
    ['that is only text', 'site-1'],
  ])('in a file %s are refused by the same code', async (_, text) => {
    using directory = new ToyDirectory();
    if (text !== null) directory.file('site.yaml', text);
    await expect(readSiteSettings(directory.path)).rejects.toMatchObject({ code: 'site.bad-settings' });
  });

  it('give way to what is said beside the file', async () => {
    using directory = new ToyDirectory();
    writeFileSync(join(directory.path, 'site.yaml'), JSON.stringify({ ...least, seed: 7 }));
    expect(await readSiteSettings(directory.path, { data: '/mnt/other' })).toMatchObject({
      data: '/mnt/other',
      seed: 7,
    });
  });
});

describe('the settings of a worker', () => {
  const worker = { siteId: 'site-1', workDirectory: '/work', seed: 1, threads: 1 };

  it.each([
    ['sources', { ...worker, sources: [] }],
    ['sources.0.directory', { ...worker, sources: [{ siteId: 'site-1', directory: '' }] }],
    ['threads', { ...worker, sources: [{ siteId: 'site-1', directory: '/a' }], threads: 0.5 }],
  ])('wrong at "%s" are refused, naming the field', (field, settings) => {
    expect(() => parseWorkerSettings(settings)).toThrow(wrong(field));
  });
});
