/** The reading room's interface over HTTP, as a part of the archive's service: who may ask, what is answered, what is refused. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { ArchiveService, consoleTokenFile, serviceSettingsOf } from '@consilium/archive';
import {
  axisAligned,
  decodeNifti,
  decodeNrrdSegmentation,
  encodeNifti,
  encodeNrrd,
  readDicomSegmentation,
  voxelCount,
} from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Asker } from '../asker.ts';
import { type RouteContract, routeTable } from '../contract/route-table.ts';
import { decodeRuns } from '../label/run-length.ts';
import {
  adjudicator,
  admitAnother,
  admitSeries,
  boxLabel,
  lead,
  passing,
  readerA,
  readerB,
  renalProtocol,
  reviewer,
  strokeTo,
  ToyClock,
  ToyDirectory,
  toyGeometry,
  toyImage,
  toySeriesUid,
  toyStructureSet,
} from '../toy-room.fixture.ts';
import { strokeAnswer } from './answers.ts';
import { readingExtension } from './reading-extension.ts';

const directory = new ToyDirectory();
/** Stands still while the archive waits for more to come. */
class StillClock extends ToyClock {
  override sleep(): Promise<void> {
    return new Promise((done) => setTimeout(done, 50));
  }
}
const clock = new StillClock();
const stranger: Asker = { person: 'sven', roles: ['lead', 'reader', 'reviewer', 'adjudicator'], projects: ['other'] };
const people = new Map([lead, reviewer, readerA, readerB, adjudicator, stranger].map((one) => [one.person, one]));
let service: ArchiveService;
let token: string;
const project = '/projects/renal';

beforeAll(async () => {
  const settings = serviceSettingsOf({ project: 'kidney', web: { port: 0 }, settleMs: 0 });
  const identify = (request: { headers: Record<string, unknown> }) => people.get(String(request.headers['x-person']))!;
  service = await ArchiveService.open(directory.path, settings, {
    ...{ clock, deidentify: passing },
    extensions: [readingExtension({ identify })],
  });
  await admitSeries(service.archive, ['R1', 'R2', 'R3', 'R4']);
  await service.start();
  token = readFileSync(join(directory.path, consoleTokenFile), 'utf8').trim();
  await as(lead, 'PUT', project, renalProtocol);
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
      ...(body === undefined ? {} : { 'Content-Type': isBytes ? 'application/octet-stream' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = Buffer.from(bytes).toString();
  return { status: response.status, headers: response.headers, bytes, text, json: () => JSON.parse(text) };
}

async function newCase(patient: string, more: object = {}): Promise<{ caseId: string; tasks: string[] }> {
  const made = await as(lead, 'POST', `${project}/cases`, { series: [toySeriesUid(patient)], ...more });
  return made.json()[0];
}

const empty = new Uint8Array(voxelCount(toyGeometry));

async function read(asker: Asker, task: string, label: Uint8Array): Promise<string> {
  const path = `${project}/tasks/${task}`;
  const { leaseId } = (await as(asker, 'POST', `${path}/open`)).json();
  const strokes = [strokeAnswer(strokeTo(1, empty, label))];
  expect((await as(asker, 'POST', `${path}/strokes`, { leaseId, strokes })).json()).toEqual({ lastSeq: 1 });
  const kept = await as(asker, 'POST', `${path}/submit`, { leaseId, lastSeq: 1 });
  return kept.json().version;
}

/** Paths with something in place of each parameter. */
function filled(contract: RouteContract, values: Readonly<Record<string, string>>): string {
  return contract.path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? 'x');
}

describe('who may ask', () => {
  it('is nobody whom the archive has not let in, at any route', async () => {
    const served = service.routes
      .filter(({ url }) => url.startsWith('/reading/v1/'))
      .filter(({ method }) => method !== 'HEAD');
    expect(served.length).toBe(Object.keys(routeTable).length);
    for (const { method, url } of served) {
      const response = await fetch(service.url + url.replace(/:\w+/g, 'x'), { method });
      expect([method, url, response.status, (await response.json()).code]).toEqual([
        method,
        url,
        401,
        'people.login-wanted',
      ]);
    }
  });

  it('is nobody whose roles in the archive do not enter the reading room, at any route', async () => {
    const founder = { kind: 'person', id: 'console' } as const;
    for (const role of ['engineer', 'administrator', 'data-manager', 'auditor'] as const) {
      await service.people.accounts.add(founder, { name: role, display: role, roles: [role] });
      await service.people.accounts.setPassword(founder, role, `violet harbour ${role} 7 lanterns`);
      const cookie = `consilium_archive=${service.people.sessions.begin(role, { agent: 'test', way: 'password' })}`;
      for (const { method, path } of Object.values<RouteContract>(routeTable)) {
        const url = `/reading/v1${path.replace(/:\w+/g, 'x')}`;
        const { body, statusCode } = await service.app.inject({ method, url, headers: { cookie } });
        const { code } = JSON.parse(body) as { code: string };
        expect([role, method, path, statusCode, code]).toEqual([role, method, path, 403, 'people.not-allowed']);
      }
    }
  });

  it('is nobody of another project, at any route of a project', async () => {
    const version = 'f'.repeat(64);
    for (const contract of Object.values(routeTable) as RouteContract[]) {
      if (!contract.path.includes(':project') || contract.method === 'PUT') continue;
      const path = filled(contract, {
        ...{ project: 'renal', version, layer: '0', chunk: '0', model: version, file: 'plan.json' },
      });
      const query = '?leaseId=x&format=nifti&model=x&name=x&digest='.concat(version);
      const isFile = contract.body === 'file';
      const answer = await as(
        stranger,
        contract.method,
        isFile ? path + query : path,
        contract.method === 'GET' ? undefined : isFile ? new Uint8Array(9) : {},
      );
      // What is malformed is told first: that says nothing of the project.
      if (answer.json().code === 'reading.request-malformed') expect(contract.body).not.toBeUndefined();
      else expect([path, answer.status, answer.json().code]).toEqual([path, 404, 'reading.project-unknown']);
    }
    expect((await as(stranger, 'GET', '/projects')).json()).toEqual([]);
  });

  it('does only what the own roles allow', async () => {
    const { tasks } = await newCase('R1', { assignTo: ['anna'] });
    const task = `${project}/tasks/${tasks[0]}`;
    const refused: [Asker, string, string, unknown, number][] = [
      [readerA, 'PUT', '/projects/new', renalProtocol, 403],
      [readerA, 'POST', `${project}/protocol`, renalProtocol, 403],
      [readerA, 'POST', `${project}/cases`, { series: ['1.2'] }, 403],
      [readerA, 'POST', `${task}/assign`, { reader: 'boris' }, 403],
      [readerA, 'POST', `${task}/review`, undefined, 403],
      [readerA, 'POST', `${task}/reopen`, { reason: 'x' }, 403],
      [readerA, 'POST', `${task}/lock`, undefined, 403],
      [readerB, 'GET', task, undefined, 404],
      [readerB, 'POST', `${task}/open`, undefined, 404],
      [reviewer, 'POST', `${task}/open`, undefined, 403],
      [reviewer, 'GET', `${task}/draft`, undefined, 403],
      [adjudicator, 'POST', `${task}/skip`, { reason: 'x' }, 404],
    ];
    for (const [asker, method, path, body, status] of refused) {
      expect([path, (await as(asker, method, path, body)).status]).toEqual([path, status]);
    }
  });
});

describe('a blinded reader', () => {
  it('is answered nothing of the other, at any route, also as a reviewer, until the case is settled', async () => {
    const both: Asker = { person: 'bella', roles: ['reader', 'reviewer', 'lead', 'adjudicator'] };
    const nadia: Asker = { person: 'nadia', roles: ['reader'] };
    for (const one of [both, nadia]) people.set(one.person, one);
    const { caseId, tasks } = await newCase('R2', { readers: 2, assignTo: ['nadia', 'bella'] });
    const others = await read(nadia, tasks[0]!, boxLabel(1));
    const beside = await admitAnother(service.archive, 'R2', { name: 'beside' });
    const before = await as(lead, 'GET', `${project}/versions?case=${caseId}`);
    expect(before.json()).toHaveLength(1);
    const { leaseId } = (await as(both, 'POST', `${project}/tasks/${tasks[1]}/open`)).json();
    const values = {
      project: 'renal',
      case: caseId,
      task: tasks[0]!,
      version: others,
      layer: '0',
      chunk: '0',
      series: beside,
    };
    let asked = 0;
    for (const own of [tasks[0]!, tasks[1]!]) {
      for (const [name, contract] of Object.entries(routeTable) as [string, RouteContract][]) {
        if (contract.method !== 'GET' || name === 'eventStream' || name === 'listProjects') continue;
        const { text } = await as(both, 'GET', filled(contract, { ...values, task: own }));
        for (const canary of [others, 'nadia', `"${tasks[0]}"`])
          expect([name, text.includes(canary)]).toEqual([name, false]);
        asked++;
      }
    }
    expect(asked).toBeGreaterThan(30);
    expect((await as(both, 'POST', `${project}/tasks/${tasks[0]}/review`)).status).toBe(404);
    const strokes = [strokeAnswer(strokeTo(1, empty, boxLabel(1, { shift: 4 })))];
    await as(both, 'POST', `${project}/tasks/${tasks[1]}/strokes`, { leaseId, strokes });
    await as(both, 'POST', `${project}/tasks/${tasks[1]}/submit`, { leaseId, lastSeq: 1 });
    expect((await as(both, 'GET', `${project}/versions/${others}`)).status).toBe(404);
    expect((await as(both, 'GET', `${project}/cases/${caseId}/agreement`)).status).toBe(404);
    // Who leads has seen it, and cannot read it independently any more.
    const pooled = await newCase('R3', { readers: 2, assignTo: ['anna'] });
    const seen = await read(readerA, pooled.tasks[0]!, boxLabel(1));
    await as(lead, 'GET', `${project}/versions/${seen}`);
    const assigned = await as(lead, 'POST', `${project}/tasks/${pooled.tasks[1]}/assign`, { reader: 'lena' });
    expect([assigned.status, assigned.json().code]).toEqual([409, 'reading.reader-unblinded']);
    expect((await as(lead, 'POST', `${project}/tasks/${pooled.tasks[1]}/assign`, { reader: 'boris' })).status).toBe(
      200,
    );
  });
});

describe('an image', () => {
  it('comes in chunks of slices, in order, as it is', async () => {
    const [task] = (await as(lead, 'GET', `${project}/tasks`)).json();
    const path = `${project}/cases/${task.caseId}/volume`;
    const { chunks, geometry, slicesPerChunk } = (await as(lead, 'GET', path)).json();
    expect([geometry.size, slicesPerChunk, chunks]).toEqual([toyGeometry.size, 8, 1]);
    const { bytes } = await as(lead, 'GET', `${path}/0`);
    const voxels = new Int16Array(new Uint8Array(inflateSync(bytes)).buffer);
    const seed = ['R1', 'R2', 'R3', 'R4'].findIndex((patient) => toySeriesUid(patient) === task.seriesInstanceUid);
    expect(voxels).toEqual(toyImage(seed).voxels);
    expect((await as(lead, 'GET', `${path}/1`)).status).toBe(404);
  });
});

describe('series beside a case', () => {
  it('are those of its study and of earlier ones, with their images and without a word of readers', async () => {
    const read = await admitAnother(service.archive, 'R5', { name: 'to be read' });
    const same = await admitAnother(service.archive, 'R5', { name: 'same study', seed: 7 });
    const prior = await admitAnother(service.archive, 'R5', { name: 'prior', date: '20240506', seed: 8 });
    const later = await admitAnother(service.archive, 'R5', { name: 'later', date: '20270506', seed: 9 });
    const made = await as(lead, 'POST', `${project}/cases`, { series: [read], assignTo: ['anna'] });
    const { caseId } = made.json()[0];
    const path = `${project}/cases/${caseId}/series`;
    const listed = (await as(readerA, 'GET', path)).json();
    expect(listed).toEqual([
      {
        ...{ seriesInstanceUid: same, date: '20260102', isSameStudy: true, modality: 'CT', number: expect.any(Number) },
        ...{ phase: 'nephrographic', slices: 6 },
      },
      expect.objectContaining({ seriesInstanceUid: prior, date: '20240506', isSameStudy: false }),
    ]);
    const frames = [];
    for (const [uid, seed] of [
      [same, 7],
      [prior, 8],
    ] as const) {
      const { chunks, geometry, isSameFrame } = (await as(readerA, 'GET', `${path}/${uid}/volume`)).json();
      expect([chunks, geometry.size]).toEqual([1, toyGeometry.size]);
      frames.push(isSameFrame);
      const { bytes } = await as(readerA, 'GET', `${path}/${uid}/volume/0`);
      expect(new Int16Array(new Uint8Array(inflateSync(bytes)).buffer)).toEqual(toyImage(seed).voxels);
      expect((await as(readerA, 'GET', `${path}/${uid}/volume/1`)).status).toBe(404);
    }
    expect(frames).toEqual([true, false]);
    // Of a later study, of another patient, or of none; and who has nothing to do with the case is told nothing.
    for (const uid of [later, toySeriesUid('R2'), '1.2.3']) {
      for (const more of ['volume', 'volume/0']) {
        const { json, status } = await as(readerA, 'GET', `${path}/${uid}/${more}`);
        expect([status, json().code]).toEqual([404, 'reading.series-unknown']);
      }
    }
    expect((await as(readerB, 'GET', path)).json().code).toBe('reading.case-unknown');
    expect((await as(readerB, 'GET', `${path}/${prior}/volume/0`)).json().code).toBe('reading.case-unknown');
  });
});

describe('a label', () => {
  it('comes in and goes out as the files of other programs', async () => {
    const { tasks } = await newCase('R4', { assignTo: ['boris'] });
    const task = `${project}/tasks/${tasks[0]}`;
    const { leaseId } = (await as(readerB, 'POST', `${task}/open`)).json();
    const drawn = boxLabel(1).with(9, 2);
    const label = { geometry: toyGeometry, voxels: drawn };
    const upload = (bytes: Uint8Array, format: string, more = '') =>
      as(readerB, 'POST', `${task}/versions?leaseId=${leaseId}&format=${format}${more}`, bytes);
    const first = (await upload(encodeNifti(label), 'nifti')).json();
    expect(first.kind).toBe('kept');
    const file = async (format: string) =>
      (await as(readerB, 'GET', `${project}/versions/${first.version}/file?format=${format}`)).bytes;
    expect(decodeNifti(await file('nifti')).voxels).toEqual(drawn);
    const nrrd = decodeNrrdSegmentation(await file('nrrd'));
    expect([nrrd.labels.voxels, nrrd.segments.map(({ name }) => name)]).toEqual([drawn, ['Kidney', 'Tumour']]);
    const seg = await file('dicom-seg');
    expect((await readDicomSegmentation(seg, toyGeometry)).labels.voxels).toEqual(drawn);
    const firstRuns = (await as(readerB, 'GET', `${project}/versions/${first.version}/layers/0`)).bytes;
    expect(decodeRuns(firstRuns, drawn.length)).toEqual(drawn);
    // Segments are known by code or name, whatever their order.
    const turned = encodeNrrd(
      { geometry: toyGeometry, voxels: drawn.map((value) => (value === 0 ? 0 : 3 - value)) },
      {
        segments: [
          { name: 'tumour', colour: undefined },
          { name: 'KIDNEY', colour: undefined },
        ],
      },
    );
    for (const [bytes, format, wanted] of [
      [seg, 'dicom-seg', 'kept'],
      [turned, 'nrrd', 'merged'],
    ] as const) {
      const { code, kind, version } = (await upload(bytes, format, `&parent=${first.version}`)).json();
      expect([format, code, kind]).toEqual([format, undefined, wanted]);
      const again = (await as(readerB, 'GET', `${project}/versions/${version}/layers/0`)).bytes;
      expect(decodeRuns(again, drawn.length)).toEqual(drawn);
    }
    const versionCount = async () => (await as(readerB, 'GET', `${project}/versions`)).json().length;

    const refused = async (bytes: Uint8Array, format: string, more = '') =>
      (await upload(bytes, format, more)).json().code;
    const shifted = axisAligned({ ...toyGeometry, originMm: [1, 0, 0] });
    expect(await refused(encodeNifti({ geometry: shifted, voxels: drawn }), 'nifti')).toBe('reading.grid-mismatch');
    expect(await refused(encodeNifti({ ...label, voxels: drawn.with(3, 7) }), 'nifti')).toBe(
      'reading.structure-unknown',
    );
    expect(await refused(encodeNifti(label).subarray(0, 90), 'nifti')).toBe('reading.file-unreadable');
    expect(await refused(seg.subarray(0, 900), 'dicom-seg')).toBe('reading.file-unreadable');
    expect(await refused(seg, 'rtstruct')).toBe('reading.file-unreadable');
    expect(await refused(encodeNifti(label), 'nifti', `&parent=${'f'.repeat(64)}`)).toBe('reading.version-unknown');
    expect(await refused(encodeNifti(label), 'gif')).toBe('reading.request-malformed');
    expect((await upload(toyStructureSet('Kidney'), 'rtstruct')).json().kind).toBe('conflict');
    const [contours] = (await as(readerB, 'GET', `${project}/versions`)).json().slice(-1);
    const runs = (await as(readerB, 'GET', `${project}/versions/${contours.id}/layers/0`)).bytes;
    expect(decodeRuns(runs, drawn.length)).toEqual(boxLabel(1));
    expect(await refused(toyStructureSet('Spleen'), 'rtstruct')).toBe('reading.structure-unknown');
    const count = await versionCount();
    await cutOff(`/reading/v1${task}/versions?leaseId=${leaseId}&format=nifti`, encodeNifti(label));
    expect(await versionCount()).toBe(count);
  });

  /** Says how much it will send, and breaks off half way. */
  async function cutOff(path: string, bytes: Uint8Array): Promise<void> {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const head = [`POST ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`, 'X-Person: boris'];
    socket.write(
      `${[...head, 'Content-Type: application/octet-stream', `Content-Length: ${bytes.length}`].join('\r\n')}\r\n\r\n`,
    );
    socket.write(bytes.subarray(0, bytes.length / 2));
    await new Promise((done) => setTimeout(done, 50));
    socket.destroy();
    await once(socket, 'close');
  }
});

describe('the interface', () => {
  it('says what it is, route by route', async () => {
    const document = (await as(readerA, 'GET', '/openapi.json')).json();
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.values(document.paths as Record<string, object>).flatMap((one) => Object.values(one));
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(routeTable).sort());
    const { post } = document.paths['/reading/v1/projects/{project}/tasks/{task}/strokes'];
    expect(post.requestBody.content['application/json'].schema.properties.strokes.type).toBe('array');
    expect(post.parameters.map(({ name }: { name: string }) => name)).toEqual(['project', 'task']);
  });

  it('names the field that is wrong, and nothing of what was sent', async () => {
    const wrong = await as(lead, 'POST', `${project}/cases`, { series: ['1.2'], readers: 'secret' });
    expect([wrong.status, wrong.json().code]).toEqual([400, 'reading.request-malformed']);
    expect(wrong.text).toContain('readers');
    expect(wrong.text).not.toContain('secret');
    expect((await as(lead, 'POST', `${project}/cases`, { series: ['1.2'] })).json().code).toBe(
      'archive.series-unknown',
    );
    expect((await as(lead, 'GET', '/nothing')).json().code).toBe('reading.not-found');
    expect((await as(lead, 'PUT', project, renalProtocol)).json().code).toBe('reading.project-exists');
    expect((await as(lead, 'GET', `${project}/protocol?version=9`)).json().code).toBe('reading.protocol-unknown');
    const twice = { ...renalProtocol, structures: [renalProtocol.structures[0], renalProtocol.structures[0]] };
    expect((await as(lead, 'POST', `${project}/protocol`, twice)).text).toContain('same number');
    const one = { series: [toySeriesUid('R1')], readers: 1, assignTo: ['a', 'b'] };
    expect((await as(lead, 'POST', `${project}/cases`, one)).json().code).toBe('reading.assignment-wrong');
    expect((await as(lead, 'POST', `${project}/protocol`, renalProtocol)).json()).toEqual({ version: 2 });
  });

  it('says of a fault of ours that it is one, and no more', async () => {
    const { json, status } = await as({ person: 'nobody', roles: [] }, 'GET', project.concat('/tasks'));
    expect([status, json().code]).toEqual([500, 'reading.failed']);
    expect(json().message).not.toContain('undefined');
  });

  it('tells what happens as it happens, to each only the own', async () => {
    const stop = new AbortController();
    const stream = async (asker: Asker) => {
      const response = await fetch(`${service.url}/reading/v1${project}/events/stream`, {
        headers: { Authorization: `Bearer ${token}`, 'X-Person': asker.person },
        signal: stop.signal,
      });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      return async (wanted: string) => {
        while (!text.includes(wanted)) text += (await reader.read()).value;
        return text;
      };
    };
    const [leads, readers] = [await stream(lead), await stream(readerB)];
    const tasks = (await as(readerA, 'GET', `${project}/tasks?state=proposed`)).json();
    const mine = tasks.find(({ reader }: { reader: string }) => reader === 'anna');
    await as(readerA, 'POST', `${project}/tasks/${mine.id}/skip`, { reason: 'motion artefact' });
    expect(await leads('"kind":"skipped"')).toContain(mine.id);
    await as(lead, 'POST', `${project}/protocol`, renalProtocol);
    expect(await readers('"version":3')).not.toContain('skipped');
    stop.abort();
  });

  it('gives what reading costs as a table', async () => {
    const { headers, text } = await as(lead, 'GET', `${project}/measures?format=csv`);
    expect(headers.get('content-type')).toContain('text/csv');
    expect(text.split('\r\n').length).toBeGreaterThan(2);
    expect((await as(lead, 'GET', `${project}/agreement`)).json()[0]).toMatchObject({ structure: 1 });
  });
});
