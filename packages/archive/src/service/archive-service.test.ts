/** The service of an archive as its pages and commands use it: who may ask, what is answered. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passing, ToyClock, ToyDirectory, toySegmentation, toySeries } from '../toy-archive.fixture.ts';
import { ArchiveService, consoleTokenFile, serviceAddressFile } from './archive-service.ts';
import { serviceSettingsOf } from './service-settings.ts';

const directory = new ToyDirectory();
const path = join(directory.path, 'archive');
const pages = join(directory.path, 'pages');
const clock = new ToyClock();
let service: ArchiveService;
let token: string;

beforeAll(async () => {
  mkdirSync(pages);
  writeFileSync(join(pages, 'site.html'), '<!doctype html><title>pages</title>');
  const settings = serviceSettingsOf({ project: 'kidney', web: { port: 0 }, settleMs: 0 });
  service = await ArchiveService.open(path, settings, { clock, deidentify: passing, pages });
  await service.start();
  token = readFileSync(join(path, consoleTokenFile), 'utf8').trim();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

interface Asking {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function ask(route: string, { method = 'GET', body, headers = {} }: Asking = {}) {
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${service.url}/api/v1${route}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': isBytes ? 'application/dicom' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
}
const asOwner = (route: string, asking: Asking = {}) =>
  ask(route, { ...asking, headers: { Authorization: `Bearer ${token}`, ...asking.headers } });

describe('who may ask the archive’s interface', () => {
  it('has a token that only the owner of the directory can read', async () => {
    const { statSync } = await import('node:fs');
    for (const file of [consoleTokenFile, serviceAddressFile]) {
      expect(statSync(join(path, file)).mode & 0o077).toBe(0);
    }
  });
});

describe('the archive’s interface', () => {
  it('takes in what is uploaded, and makes it found, shown and frozen', async () => {
    const toy = { patient: 'A', description: 'nephrographic phase' };
    for (const bytes of [...toySeries(toy), await toySegmentation(toy)]) {
      const answer = await asOwner('/uploads/instance', { method: 'POST', body: bytes });
      expect(answer.json().kind).toBe('stored');
    }
    const again = await asOwner('/uploads/instance', { method: 'POST', body: toySeries(toy)[0] });
    expect(again.json().kind).toBe('duplicate');
    await asOwner('/settle', { method: 'POST', body: {} });
    const found = (await asOwner('/search?query=modality%20%3D%20CT')).json();
    expect(found).toMatchObject({
      counts: { subjects: 1, series: 1 },
      series: [{ patientId: 'A', state: 'described' }],
    });
    const [{ seriesInstanceUid, studyInstanceUid }] = found.series;
    const picture = await asOwner(`/series/${seriesInstanceUid}/thumbnail`);
    expect(picture.headers.get('content-type')).toBe('image/png');
    expect((await asOwner(`/studies/${studyInstanceUid}`)).json().series).toHaveLength(2);
    await asOwner(`/series/${seriesInstanceUid}/tags`, { method: 'POST', body: { tag: 'good' } });
    await asOwner(`/series/${seriesInstanceUid}/notes`, { method: 'POST', body: { text: 'looked at' } });
    expect((await asOwner(`/series/${seriesInstanceUid}`)).json()).toMatchObject({
      tags: ['good'],
      notes: [{ text: 'looked at' }],
      labels: [{ isOnGrid: true }],
    });
    const body = { name: 'all-ct', query: 'modality = CT' };
    expect((await asOwner('/cohorts', { method: 'POST', body })).json()).toMatchObject({ version: 1, included: 1 });
    const split = { split: 'first', name: 'all-ct', shares: { train: 1 } };
    expect((await asOwner('/splits', { method: 'POST', body: split })).json().parts).toEqual({ train: ['A'] });
    const twice = await asOwner('/splits', { method: 'POST', body: split });
    expect([twice.status, twice.json().code]).toEqual([409, 'archive.split-exists']);
    expect((await asOwner('/splits')).json()).toMatchObject([{ name: 'first', cohort: 'all-ct' }]);
    const { instances }: { instances: number[] } = (await asOwner('/arrivals')).json();
    expect([instances.length, instances.reduce((sum, count) => sum + count)]).toEqual([60, 5]);
    const { deidentification } = (await asOwner(`/studies/${studyInstanceUid}`)).json();
    expect(deidentification).toMatchObject([{ tag: '00100010', keyword: 'PatientName', count: 5 }]);
    await asOwner(`/series/${seriesInstanceUid}/findings`, {
      method: 'POST',
      body: { code: 'motion', severity: 'warning', message: 'Breathing' },
    });
    expect((await asOwner('/findings')).json()).toContainEqual({
      ...{ code: 'motion', severity: 'warning', message: 'Breathing', series: 1, subjects: 1 },
    });
    expect((await asOwner('/overview')).json()).toMatchObject({
      project: 'kidney',
      counts: { subjects: 1, studies: 1, series: 2 },
      quarantined: 0,
      roads: { dicom: null },
    });
  });

  it('takes in a folder, which can be stopped and goes on', async () => {
    const folder = join(directory.path, 'folder');
    mkdirSync(folder);
    const slices = toySeries({ patient: 'F', size: [40, 4, 4] });
    for (const [at, bytes] of slices.entries()) writeFileSync(join(folder, `${at}.dcm`), bytes);
    const begun = (await asOwner('/imports', { method: 'POST', body: { path: folder } })).json();
    expect(begun).toMatchObject({ kind: 'folder', path: folder, state: 'running' });
    const stopped = (await asOwner(`/imports/${begun.id}/stop`, { method: 'POST', body: {} })).json();
    expect(stopped).toMatchObject({ state: 'running', progress: null });
    expect(stopped.counts.stored).toBeLessThan(slices.length);
    await asOwner(`/imports/${begun.id}/go-on`, { method: 'POST', body: {} });
    await expect
      .poll(async () => (await asOwner(`/imports/${begun.id}`)).json(), { timeout: 20_000 })
      .toMatchObject({ state: 'finished', counts: { stored: slices.length, refused: 0 } });
    expect((await asOwner('/imports/none/go-on', { method: 'POST', body: {} })).json().code).toBe(
      'archive.import-unknown',
    );
  });

  it('tells by which roads studies come, and no secret of them', async () => {
    const roads = (await asOwner('/roads')).json();
    expect(roads).toEqual({
      directory: path,
      dicom: null,
      dicomweb: { url: '/dicom-web', clients: [] },
      watched: [],
      remotes: [],
    });
  });

  it('keeps what is no image in quarantine, from where it can be deleted', async () => {
    const refused = await asOwner('/uploads/instance', { method: 'POST', body: new Uint8Array(500) });
    const { kind, quarantineId } = refused.json();
    expect(kind).toBe('refused');
    expect((await asOwner('/quarantine')).json()).toMatchObject([{ id: quarantineId, sizeBytes: 500 }]);
    expect((await asOwner(`/quarantine/${quarantineId}/release`, { method: 'POST', body: {} })).json().kind).toBe(
      'refused',
    );
    await asOwner(`/quarantine/${quarantineId}`, { method: 'DELETE' });
    expect((await asOwner('/quarantine')).json()).toEqual([]);
  });

  it('erases a subject, and lets it in again when asked', async () => {
    await asOwner('/uploads/instance', { method: 'POST', body: toySeries({ patient: 'E' })[0] });
    const asked = await asOwner('/pseudonym', { method: 'POST', body: { patientId: 'MRN 1', reason: 'consent' } });
    expect(asked.json()).toEqual({ pseudonym: expect.stringMatching(/^SUB-/), isHere: false });
    const erasing = (body: object) => asOwner('/subjects/E/erase', { method: 'POST', body });
    expect((await erasing({})).json().code).toBe('archive.request-malformed');
    expect((await erasing({ reason: 'withdrawn' })).json()).toMatchObject({ patientId: 'E', state: 'done' });
    expect((await erasing({ reason: 'withdrawn' })).status).toBe(404);
    const sent = () => asOwner('/uploads/instance', { method: 'POST', body: toySeries({ patient: 'E' })[0] });
    expect((await sent()).json().code).toBe('archive.subject-erased');
    expect((await asOwner('/erasures')).json()).toMatchObject([{ patientId: 'E', reason: 'withdrawn' }]);
    await asOwner('/subjects/E/allow', { method: 'POST', body: { reason: 'consent' } });
    expect((await sent()).json().kind).toBe('stored');
  });

  it('gives segmentations out as files, and takes them in', async () => {
    const series = (await asOwner('/search?query=subject%20%3D%20A%20and%20modality%20%3D%20CT')).json().series[0];
    const route = `/series/${series.seriesInstanceUid}`;
    const response = await fetch(`${service.url}/api/v1${route}/label?format=nifti`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const taken = await asOwner(`${route}/labels?kind=manual&names=1%3Dkidney,2%3Dtumour`, {
      method: 'POST',
      body: new Uint8Array(await response.arrayBuffer()),
    });
    expect(taken.json()[0]).toMatchObject({ isOnGrid: true, provenance: { kind: 'manual' } });
    expect((await asOwner(`${route}/label?format=tiff`)).json().code).toBe('archive.request-malformed');
    const none = await asOwner(`${route}/labels`, { method: 'POST', body: new Uint8Array(200) });
    expect(none.json().code).toBe('archive.label-unreadable');
  });

  it('says where a query is wrong, and what else is, by code', async () => {
    const wrong = await asOwner('/search?query=modality%20%3D');
    expect(wrong.status).toBe(400);
    expect(wrong.json()).toMatchObject({ code: 'archive.query-invalid', position: expect.any(Number) });
    expect((await asOwner('/facet?query=&field=nonsense')).status).toBe(400);
    expect((await asOwner('/series/1.2.3')).json().code).toBe('archive.series-unknown');
    expect((await asOwner('/nothing')).json().code).toBe('archive.not-found');
    const malformed = await asOwner('/cohorts', { method: 'POST', body: { name: 'No Name', query: '' } });
    expect(malformed.json()).toMatchObject({
      code: 'archive.request-malformed',
      message: expect.stringContaining('name'),
    });
    const remote = await asOwner('/remotes/pacs/pulls', { method: 'POST', body: { studyInstanceUid: '1.2' } });
    expect(remote.json().code).toBe('archive.remote-unknown');
    expect((await asOwner('/pulls/x', { method: 'DELETE' })).json().code).toBe('archive.pull-unknown');
  });

  it('tells what happens as it happens', async () => {
    const stop = new AbortController();
    const response = await fetch(`${service.url}/api/v1/events`, {
      headers: { Authorization: `Bearer ${token}` },
      signal: stop.signal,
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await asOwner('/uploads/instance', { method: 'POST', body: toySeries({ patient: 'B' })[0] });
    let text = '';
    while (!text.includes('"stored"')) text += (await reader.read()).value;
    expect(text).toContain('seriesInstanceUid');
    stop.abort();
  });

  it('writes down who asked whom a pseudonym stands for', async () => {
    const body = { level: 'subject', pseudonym: 'A', reason: 'Dr Example: incidental finding' };
    const { facts } = (await asOwner('/reidentify', { method: 'POST', body })).json();
    expect(facts).toEqual([{ PatientName: 'Secret^A' }]);
    expect(readFileSync(join(path, 'identity', 'asked.jsonl'), 'utf8')).toContain('Dr Example: incidental finding');
    expect((await asOwner('/reidentifications')).json()).toMatchObject([body]);
  });

  it('serves the pages, which may run no script but their own', async () => {
    const page = await fetch(`${service.url}/`);
    expect(await page.text()).toContain('pages');
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
    expect((await fetch(`${service.url}/..%2f..%2farchive/console.token`)).status).toBe(404);
  });
});

describe('the settings of an archive', () => {
  it('are refused by the field that is wrong', () => {
    const code = (settings: object) => {
      try {
        serviceSettingsOf(settings);
        return 'accepted';
      } catch (error) {
        return (error as { code: string; message: string }).message;
      }
    };
    expect(code({ project: 7 })).toContain('"project"');
    expect(code({ web: { host: '0.0.0.0' } })).toContain('must have `tls`');
    expect(code({ web: { host: '0.0.0.0', behindProxy: true } })).toBe('accepted');
    expect(code({ nonsense: 1 })).toContain('nonsense');
  });
});
