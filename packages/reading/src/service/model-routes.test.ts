/** Models over HTTP, in the archive's service, and what of it the audit log says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArchiveService, consoleTokenFile, serviceSettingsOf } from '@consilium/archive';
import { AuditReader } from '@consilium/audit';
import { decodeNifti } from '@consilium/imaging';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Asker } from '../asker.ts';
import { applyDelta } from '../label/label-delta.ts';
import { decodeRuns, encodeRuns } from '../label/run-length.ts';
import { admitBlocks, blockLabel, clickBundle, thresholdBundle, zipOf } from '../models/toy-model.fixture.ts';
import {
  lead,
  passing,
  readerA,
  renalProtocol,
  reviewer,
  ToyClock,
  ToyDirectory,
  toyGeometry,
  toySeriesUid,
} from '../toy-room.fixture.ts';
import { readingExtension } from './reading-extension.ts';

/** Stands still while others wait. */
class StillClock extends ToyClock {
  override sleep(): Promise<void> {
    return new Promise((done) => setTimeout(done, 50));
  }
}

const directory = new ToyDirectory();
const people = new Map([lead, reviewer, readerA].map((one) => [one.person, one]));
const project = '/projects/renal';
let service: ArchiveService;
let token: string;
let caseId: string;
let task: string;

beforeAll(async () => {
  const settings = serviceSettingsOf({ project: 'kidney', web: { port: 0 }, settleMs: 0 });
  const identify = (request: { headers: Record<string, unknown> }) => people.get(String(request.headers['x-person']))!;
  service = await ArchiveService.open(directory.path, settings, {
    ...{ clock: new StillClock(), deidentify: passing },
    extensions: [readingExtension({ identify })],
  });
  await admitBlocks(service.archive, { M: { shift: 1 } });
  await service.start();
  token = readFileSync(join(directory.path, consoleTokenFile), 'utf8').trim();
  await as(lead, 'PUT', project, renalProtocol);
  const [made] = (
    await as(lead, 'POST', `${project}/cases`, { series: [toySeriesUid('M')], assignTo: ['anna'] })
  ).json();
  caseId = made.caseId;
  task = `${project}/tasks/${made.tasks[0]}`;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

async function as(asker: Asker, method: string, path: string, body?: unknown) {
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${service.url}/reading/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      'X-Person': asker.person,
      ...(body === undefined ? {} : { 'Content-Type': isBytes ? 'application/zip' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, bytes, json: () => JSON.parse(Buffer.from(bytes).toString()) };
}

/** What the stream of events says from now on. */
async function told(asker: Asker) {
  const stop = new AbortController();
  const response = await fetch(`${service.url}/reading/v1${project}/events/stream`, {
    ...{ headers: { Authorization: `Bearer ${token}`, 'X-Person': asker.person }, signal: stop.signal },
  });
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk as Uint8Array).toString();
  })();
  reading.catch(() => {});
  return { text: () => text, end: () => stop.abort() };
}

async function ended(asker: Asker, work: string) {
  let found: { state: string } = { state: 'waiting' };
  await expect
    .poll(
      async () => {
        found = (await as(asker, 'GET', `${project}/work/${work}`)).json();
        return ['waiting', 'running'].includes(found.state);
      },
      { timeout: 120_000 },
    )
    .toBe(false);
  return found;
}

it('a model is put, proposes on demand, and is given out as it came', async () => {
  const bundle = thresholdBundle({ classes: ['Niere', 'tumour'] });
  const query = `?name=good&job=kidney-1&round=4&structures=${encodeURIComponent('{"Niere":1}')}`;
  const put = (asker: Asker, text: string, zip: Uint8Array) => as(asker, 'POST', `${project}/models${text}`, zip);
  expect(await put(readerA, query, zipOf(bundle))).toMatchObject({ status: 403 });
  expect((await put(lead, query, Buffer.from('none'))).json().code).toBe('reading.model-malformed');
  expect((await put(lead, '?name=good&structures=none', zipOf(bundle))).json()).toMatchObject({
    ...{ code: 'reading.request-malformed', message: expect.stringContaining('"structures"') },
  });
  const model = (await put(lead, query, zipOf(bundle))).json();
  expect(model).toMatchObject({
    ...{ name: 'good', state: 'candidate', kind: 'automatic', structures: { Niere: 1, tumour: 2 } },
    origin: { job: 'kidney-1', round: 4 },
  });
  expect((await as(readerA, 'GET', `${project}/models`)).json()).toEqual([model]);
  const path = `${project}/models/${model.digest}`;
  const { bytes } = await as(readerA, 'GET', `${path}/files/plan.json`);
  expect(Buffer.compare(bytes, bundle.get('plan.json')!)).toBe(0);

  expect((await as(readerA, 'POST', `${project}/cases/${caseId}/propose`, {})).json().code).toBe(
    'reading.model-wanted',
  );
  const asked = { model: model.digest };
  const stream = await told(readerA);
  const { version, work } = (await as(readerA, 'POST', `${project}/cases/${caseId}/propose`, asked)).json();
  expect(version).toBeNull();
  // The task is nobody's yet but the asker's by name.
  expect(await ended(readerA, work)).toMatchObject({ state: 'done', code: null });
  await expect.poll(() => stream.text(), { timeout: 60_000 }).toContain(`"state":"done"`);
  const states = [...stream.text().matchAll(/^event: work\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
  expect(states[0]).toMatchObject({ id: work, state: 'running', progress: null });
  expect(states.some(({ progress }) => progress?.done === progress?.total && progress !== null)).toBe(true);
  stream.end();
  const again = (await as(readerA, 'POST', `${project}/cases/${caseId}/propose`, asked)).json();
  expect(again.work).toBeNull();
  const of = `${project}/versions/${again.version}`;
  expect((await as(readerA, 'GET', `${of}/proposal`)).json()).toMatchObject({
    ...{ caseId, digest: model.digest, disagreement: null, uncertainty: { case: expect.any(Number) } },
  });
  const heat = await as(readerA, 'GET', `${of}/heat`);
  expect(decodeRuns(heat.bytes, blockLabel().length)).toHaveLength(blockLabel().length);
  const file = await as(readerA, 'GET', `${of}/file?format=nifti`);
  expect(Buffer.compare(decodeNifti(file.bytes).voxels as Uint8Array, blockLabel(1))).toBe(0);

  expect((await as(lead, 'POST', `${path}/trial`, {})).json().code).toBe('reading.validation-wanted');
  expect((await as(lead, 'GET', `${project}/validation`)).json()).toBeNull();
  expect((await as(lead, 'GET', `${project}/trials`)).json()).toEqual([]);
  expect((await as(lead, 'POST', `${path}/promote`)).json().code).toBe('reading.trial-wanted');
  expect((await as(lead, 'POST', `${project}/validation`, { cases: [caseId] })).json().code).toBe(
    'reading.approval-wanted',
  );
  expect((await as(lead, 'GET', `${project}/work`)).json()).toMatchObject([
    { id: work, state: 'done', progress: null },
  ]);
  expect((await as(readerA, 'GET', `${project}/work`)).status).toBe(403);
  const { work: none } = (await as(lead, 'POST', `${project}/proposals`, { model: model.digest })).json();
  expect(none).toEqual([]);
  const [anew] = (await as(lead, 'POST', `${project}/proposals`, { ...asked, cases: [caseId], isNightly: true })).json()
    .work;
  expect((await as(lead, 'POST', `${project}/work/${anew}/cancel`)).status).toBe(200);
  expect(await ended(lead, anew)).toMatchObject({ state: 'cancelled' });
  expect((await as(lead, 'POST', `${path}/retire`)).status).toBe(200);
});

it('prompts of every kind are answered', async () => {
  const put = await as(lead, 'POST', `${project}/models?name=clicks&kind=interactive`, zipOf(clickBundle()));
  const { digest } = put.json();
  expect((await as(readerA, 'POST', `${project}/models/${digest}/promote`)).status).toBe(403);
  await as(lead, 'POST', `${project}/models/${digest}/promote`);
  const { leaseId } = (await as(readerA, 'POST', `${task}/open`)).json();
  const session = (await as(readerA, 'POST', `${task}/session`, { leaseId })).json();
  expect(session).toMatchObject({ model: { name: 'clicks', digest }, offered: null, structures: [1, 2] });
  const prompt = async (asked: object) =>
    (await as(readerA, 'POST', `${task}/session/${session.id}/prompts`, { leaseId, structure: 1, ...asked })).json();
  const first = [2, 6, 8];
  const last = [2, 6, 9];
  const scribble = {
    first,
    last,
    isForeground: true,
    runs: Buffer.from(encodeRuns(Uint8Array.of(1, 1))).toString('base64'),
  };
  const lasso = {
    slice: 2,
    points: [
      [4, 6],
      [4, 10],
      [9, 10],
      [9, 6],
    ],
  };
  for (const asked of [
    { clicks: [{ voxel: first, isForeground: true }] },
    { scribbles: [scribble] },
    { box: { first: [1, 4, 6], last: [3, 8, 10] } },
    { lasso },
  ]) {
    const answer = await prompt(asked);
    expect(answer).toMatchObject({ model: { digest }, latencyMs: expect.any(Number), change: { layer: 0 } });
    const drawn = new Uint8Array(blockLabel().length);
    applyDelta(drawn, toyGeometry.size, { ...answer.change, runs: Buffer.from(answer.change.runs, 'base64') });
    expect(drawn[(2 * 16 + 6) * 20 + 8]).toBe(1);
    const truth = blockLabel(1);
    expect(drawn.every((value, at) => value === 0 || truth[at]! > 0)).toBe(true);
  }
  expect((await prompt({})).code).toBe('reading.prompt-outside');
  expect((await as(readerA, 'POST', `${task}/session/${session.id}/heartbeat`)).json()).toEqual(session);
  expect((await as(readerA, 'POST', `${task}/session/${session.id}/close`)).json()).toEqual({});
  expect((await prompt({ lasso })).code).toBe('reading.session-unknown');
});

it('what was done is in the audit log, before it was done', async () => {
  using reader = AuditReader.open(join(directory.path, 'audit'));
  const acts = reader
    .entries({ last: 1000 })
    .filter(({ action }) => /^(?:protocol|model|label)\./.test(action))
    .map(({ action, actor, outcome }) => [action, actor.id, outcome]);
  expect(acts).toEqual([
    ['protocol.changed', 'lena', 'allowed'],
    ['model.put', 'lena', 'allowed'],
    ['label.exported', 'anna', 'allowed'],
    ['model.retired', 'lena', 'allowed'],
    ['model.put', 'lena', 'allowed'],
    ['model.promoted', 'lena', 'allowed'],
  ]);
});
