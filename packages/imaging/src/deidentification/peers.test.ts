/** What other programs make of the same files: Orthanc's own de-identification, and dciodvfy, which knows every IOD. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Dataset, valueBytes } from '../dicom/dataset.ts';
import { keywordOf } from '../dicom/dictionary.ts';
import { exampleStudy } from '../dicom/example-study.ts';
import { parsePart10 } from '../dicom/part10.ts';
import { leaksIn, planted } from './canaries.fixture.ts';
import { deidentify } from './deidentify.ts';

const secret = new Uint8Array(32).fill(3);
const root = process.env['CONSILIUM_TEST_DATA'] ?? new URL('../../../../../shared/data', import.meta.url).pathname;
const hasData = existsSync(`${root}/dicom`);
const study = await exampleStudy();

/** Where a program is; empty if it is not installed. */
function pathOf(program: string): string {
  const path = spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim();
  if (path === '' && process.env['CI']) throw new Error(`${program} is not installed`);
  if (path === '') console.log(`${program} is not installed: not compared with it`);
  return path;
}

const orthancPath = pathOf('Orthanc');
const dciodvfyPath = pathOf('dciodvfy');

async function deidentified(bytes: Uint8Array): Promise<Uint8Array> {
  const result = await deidentify(bytes, { secret });
  if (result.kind === 'refused') throw new Error(result.reason.code);
  return result.bytes;
}

describe.skipIf(orthancPath === '')('what Orthanc removes or replaces', () => {
  test('goes here too, but for what the options retain; and much that Orthanc leaves goes as well', async () => {
    const original = planted(parsePart10(study.ct[0]!));
    const theirs = await orthancAnonymized(original);
    const ours = await deidentified(original);
    const [before, after, orthanc] = [original, ours, theirs].map((bytes) => valuesOf(parsePart10(bytes).data)) as [
      ...[Map<string, string>, Map<string, string>, Map<string, string>],
    ];
    const keptHere = [...before].flatMap(([path, value]) => {
      return value !== '' && orthanc.get(path) !== value && after.get(path) === value ? [path.split('/').at(-1)!] : [];
    });
    // Times of shifted dates, sex as a patient's characteristic, the character set of what is left of an item.
    expect(new Set(keptHere)).toEqual(new Set(['StudyTime', 'ContentTime', 'PatientSex', 'SpecificCharacterSet']));
    expect(leaksIn(ours)).toEqual([]);
    // Among them free text of attributes that the table does not list.
    expect(leaksIn(theirs).join()).toContain('planted in TextValue');
  });
});

describe.skipIf(dciodvfyPath === '')('dciodvfy finds no new error after', () => {
  const files: Readonly<Record<string, () => Uint8Array>> = {
    'a made-up CT': () => study.ct[0]!,
    'a made-up segmentation': () => study.segmentation,
    ...(hasData &&
      Object.fromEntries(
        [
          ...['ct/ge_gantry_tilt/01.dcm', 'dicom/ts/derived_ct/ct_JLS.dcm', 'dicom/pydicom/test_files/MR_small.dcm'],
          ...['dicom/enhanced/dcm_qa_enh/Siemens/XA10/6_1.dcm', 'dicom/pydicom/test_files/test-SR.dcm'],
          ...['dicom/seg/highdicom/seg_image_ct_binary_fractional.dcm', 'dicom/rt/dicompyler/example_data/rtplan.dcm'],
        ].map((name) => [name, () => readFileSync(`${root}/${name}`)]),
      )),
  };

  test.each(Object.entries(files))('%s', async (_, read) => {
    const bytes = read();
    const known = errorsOf(bytes);
    expect(errorsOf(await deidentified(bytes)).filter((error) => !known.includes(error))).toEqual([]);
  });
});

async function orthancAnonymized(bytes: Uint8Array): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'orthanc-'));
  const port = await freePort();
  const config = {
    ...{ StorageDirectory: folder, IndexDirectory: folder, HttpPort: port, DicomServerEnabled: false, Plugins: [] },
    ...{ RemoteAccessAllowed: false, AuthenticationEnabled: false },
  };
  writeFileSync(join(folder, 'orthanc.json'), JSON.stringify(config));
  const child = spawn(orthancPath, [join(folder, 'orthanc.json')], { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    const url = `http://127.0.0.1:${port}`;
    for (let tries = 0; !(await answers(`${url}/system`)); tries++) {
      if (tries > 300) throw new Error('Orthanc does not start');
      await sleep(100);
    }
    const stored = (await (await fetch(`${url}/instances`, { method: 'POST', body: Buffer.from(bytes) })).json()) as {
      ID: string;
    };
    const answer = await fetch(`${url}/instances/${stored.ID}/anonymize`, { method: 'POST', body: '{"Force":true}' });
    expect(answer.status).toBe(200);
    return new Uint8Array(await answer.arrayBuffer());
  } finally {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Every value by the path of keywords to it. */
function valuesOf(data: Dataset, path = '', values = new Map<string, string>()): Map<string, string> {
  for (const element of data.elements) {
    const own = `${path}/${keywordOf(element.tag) ?? element.tag.toString(16)}`;
    for (const [index, item] of (element.items ?? []).entries()) valuesOf(item, `${own}[${index}]`, values);
    if (element.items === undefined) {
      values.set(
        own,
        Buffer.from(valueBytes(element))
          .toString('latin1')
          .replace(/[\0 ]+$/, ''),
      );
    }
  }
  return values;
}

/** Without the values they quote: a UID is another after. */
function errorsOf(bytes: Uint8Array): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'dciodvfy-'));
  try {
    writeFileSync(join(folder, 'file.dcm'), bytes);
    const { stdout, stderr } = spawnSync(dciodvfyPath, ['-new', join(folder, 'file.dcm')], { encoding: 'latin1' });
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.startsWith('Error'));
    return lines.map((line) => line.replace(/= <[\d.]+>/g, '').trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
