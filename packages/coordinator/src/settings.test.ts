import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { coordinatorOrigin, readCoordinatorSettings } from './coordinator-directory.ts';
import { parseCoordinatorSettings } from './settings.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-settings-'));
afterAll(() => rmSync(root, { recursive: true }));

const least = { project: 'kidney', names: ['consilium.example.org'] };

describe('the settings of a coordinator', () => {
  it('need a project and a name; the rest has defaults', () => {
    expect(parseCoordinatorSettings(least)).toMatchObject({
      listen: { host: '0.0.0.0', port: 443 },
      jobsAtOnce: 4,
      certificateDays: 7,
    });
  });

  it.each([
    ['project', { ...least, project: 'Kidney Tumours' }],
    ['project', { names: ['a'] }],
    ['names', { ...least, names: [] }],
    ['listen.port', { ...least, listen: { port: 70_000 } }],
    ['listen', { ...least, listen: { prot: 443 } }],
    ['certificateDays', { ...least, certificateDays: 0 }],
    ['metricsPort', { ...least, metricsPort: '9464' }],
    ['', { ...least, metricPort: 9464 }],
    ['', null],
  ])('wrong at "%s" are refused, naming the field', (field, settings) => {
    expect(() => parseCoordinatorSettings(settings)).toThrow(
      expect.objectContaining({ code: 'coordinator.bad-settings', message: expect.stringContaining(`"${field}"`) }),
    );
  });

  it.each([
    [{}, 'https://consilium.example.org'],
    [{ listen: { port: 8443 } }, 'https://consilium.example.org:8443'],
    [{ listen: { port: 8443 }, publicPort: 443 }, 'https://consilium.example.org'],
    [{ names: ['2001:db8::1'] }, 'https://[2001:db8::1]'],
  ])('%j say where sites reach it', (changes, origin) => {
    expect(coordinatorOrigin(parseCoordinatorSettings({ ...least, ...changes }))).toBe(origin);
  });

  it.each([
    ['that is not there', null],
    ['that is no YAML', '{ project: ['],
    ['that is empty', ''],
    ['that is only text', 'kidney'],
  ])('in a file %s are refused by the same code', async (name, text) => {
    const directory = join(root, name.replaceAll(' ', '-'));
    mkdirSync(directory);
    if (text !== null) writeFileSync(join(directory, 'coordinator.yaml'), text);
    await expect(readCoordinatorSettings(directory)).rejects.toMatchObject({ code: 'coordinator.bad-settings' });
  });

  it('give way to what is said on the command line, field by field', async () => {
    writeFileSync(join(root, 'coordinator.yaml'), JSON.stringify({ ...least, listen: { host: '10.0.0.1', port: 1 } }));
    const settings = await readCoordinatorSettings(root, { listen: { port: 8443 }, jobsAtOnce: 1 });
    expect(settings).toMatchObject({ listen: { host: '10.0.0.1', port: 8443 }, jobsAtOnce: 1, project: 'kidney' });
  });
});
