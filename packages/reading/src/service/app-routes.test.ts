/** Apps over HTTP: from what projects are made, and tools on the image of a case. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArchiveService, consoleTokenFile, serviceSettingsOf } from '@consilium/archive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeRuns } from '../label/run-length.ts';
import {
  admitSeries,
  lead,
  passing,
  readerA,
  renalProtocol,
  ToyClock,
  ToyDirectory,
  toyGeometry,
  toyImage,
  toySeriesUid,
} from '../toy-room.fixture.ts';
import { readingExtension } from './reading-extension.ts';

const directory = new ToyDirectory();
/** Stands still while the archive waits for more to come. */
class StillClock extends ToyClock {
  override sleep(): Promise<void> {
    return new Promise((done) => setTimeout(done, 50));
  }
}
const scratch = mkdtempSync(join(tmpdir(), 'consilium-apps-'));
const people = new Map([lead, readerA].map((one) => [one.person, one]));
let service: ArchiveService;
let token: string;
let caseId: string;

const brightApp = `
name: bright
title: Bright things
protocol:
  structures:
    - number: 1
      name: Bright
      colour: "#b04030"
      category: { value: "85756007", scheme: SCT, meaning: Tissue }
      type: { value: "85756007", scheme: SCT, meaning: Tissue }
tools:
  - { tool: own, function: bright, title: Bright, options: { above: 100 } }
code: transforms.mjs
`;

beforeAll(async () => {
  const folder = join(scratch, 'bright');
  mkdirSync(folder);
  writeFileSync(join(folder, 'app.yaml'), brightApp);
  writeFileSync(
    join(folder, 'transforms.mjs'),
    'export const bright = ({ voxels }, { above }) => Uint8Array.from(voxels, (hu) => (hu > above ? 1 : 0));',
  );
  const identify = (request: { headers: Record<string, unknown> }) => people.get(String(request.headers['x-person']))!;
  service = await ArchiveService.open(directory.path, serviceSettingsOf({ project: 'kidney', settleMs: 0 }), {
    ...{ clock: new StillClock(), deidentify: passing },
    extensions: [readingExtension({ identify, apps: [folder] })],
  });
  await admitSeries(service.archive, ['T1']);
  token = readFileSync(join(directory.path, consoleTokenFile), 'utf8').trim();
  await ask('PUT', '/projects/bright', { app: 'bright' });
  const [made] = (await ask('POST', '/projects/bright/cases', { series: [toySeriesUid('T1')] })).body;
  caseId = made.caseId;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
  rmSync(scratch, { recursive: true, force: true });
});

async function ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: object, asker = lead) {
  const response = await service.app.inject({
    ...{ method, url: `/reading/v1${path}` },
    headers: { Authorization: `Bearer ${token}`, 'X-Person': asker.person },
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: response.statusCode, body: response.json() };
}

describe('projects from apps', () => {
  it('are made from what is offered, which everybody can see who is let in', async () => {
    const { body } = await ask('GET', '/apps', undefined, readerA);
    expect(body.map(({ name }: { name: string }) => name)).toEqual([
      ...['automatic', 'bright', 'click-refined', 'region-growing', 'renal-mass', 'scribbles'],
    ]);
    const made = await ask('PUT', '/projects/livers', { app: 'scribbles', structures: ['Liver'], fourEyes: false });
    expect(made).toEqual({ status: 200, body: { version: 1 } });
    const { protocol } = (await ask('GET', '/projects/livers/protocol')).body;
    expect([protocol.title, protocol.fourEyes, protocol.structures[0].type.value]).toEqual([
      'Scribbles',
      false,
      '10200004',
    ]);
    const { app, digest } = (await ask('GET', '/projects/livers/app')).body;
    expect([app.name, app.tools[0].tool]).toEqual(['scribbles', 'scribbles']);
    expect(digest).toBe(body.at(-1).digest);
    const revised = { app: 'region-growing', structures: ['Liver', 'Lesion'] };
    expect((await ask('POST', '/projects/livers/protocol', revised)).body).toEqual({ version: 2 });
    expect((await ask('GET', '/projects/livers/app')).body.app.name).toBe('region-growing');
  });

  it('are made from a protocol as well, and then have no app', async () => {
    expect((await ask('PUT', '/projects/plain', renalProtocol)).body).toEqual({ version: 1 });
    expect((await ask('GET', '/projects/plain/app')).body).toBeNull();
  });

  it('are refused with the field that is wrong, of whichever was meant', async () => {
    const refused = async (body: object) => {
      const answer = await ask('PUT', '/projects/more', body);
      return [answer.status, answer.body.code, answer.body.message];
    };
    expect(await refused({ app: 'nothing' })).toEqual([404, 'reading.app-unknown', expect.any(String)]);
    const malformed = (field: string) => [400, 'reading.request-malformed', expect.stringContaining(field)];
    expect(await refused({ app: 'Renal Mass' })).toEqual(malformed('"app"'));
    expect(await refused({ app: 'renal-mass', fourEyes: 'no' })).toEqual(malformed('"fourEyes"'));
    expect(await refused({ ...renalProtocol, idleSeconds: 1 })).toEqual(malformed('"idleSeconds"'));
    expect(await refused({ title: 'Nothing to draw', structures: [] })).toEqual(malformed('"structures"'));
    expect((await ask('GET', '/projects/more/app')).body.code).toBe('reading.project-unknown');
    expect((await ask('PUT', '/projects/more', { app: 'renal-mass' }, readerA)).body.code).toBe('reading.role-wanted');
  });
});

describe('tools on a case', () => {
  const run = (body: object, asker = lead) => ask('POST', `/projects/bright/cases/${caseId}/tool`, body, asker);
  const { voxels } = toyImage(0);
  const own = { tool: 'own', function: 'bright', title: 'Bright', options: { above: 100 } };

  it('are run around what is marked, the app’s own and those that come with Consilium', async () => {
    const inside = [[2, 8, 10]];
    const wanted = Uint8Array.from(voxels, (hu) => (hu > 100 ? 1 : 0));
    // The toy is small: a margin of 30 mm holds all of it.
    for (const tool of [own, { tool: 'threshold', low: 101, high: 4000 }]) {
      const { body, status } = await run({ tool, inside });
      expect([status, body.first, body.last]).toEqual([200, [0, 0, 0], [5, 15, 19]]);
      expect(decodeRuns(Buffer.from(body.runs, 'base64'), voxels.length)).toEqual(wanted);
    }
    const small = await run({ tool: { ...own, marginMm: 2 }, inside });
    // Slices are 3 mm apart.
    expect([small.body.first, small.body.last]).toEqual([
      [1, 6, 8],
      [3, 10, 12],
    ]);
    const at = (z: number, y: number, x: number) => (z * toyGeometry.size[1] + y) * toyGeometry.size[2] + x;
    const part = decodeRuns(Buffer.from(small.body.runs, 'base64'), 75);
    expect(part[0]).toBe(wanted[at(1, 6, 8)]);
    expect(part[74]).toBe(wanted[at(3, 10, 12)]);
  });

  it('grow and cut from voxels, and keep off what is marked outside', async () => {
    const inside = [
      [2, 8, 10],
      [2, 8, 11],
    ];
    const outside = [
      [2, 8, 12],
      [0, 0, 0],
    ];
    for (const tool of [{ tool: 'region-growing' }, { tool: 'scribbles' }]) {
      const { body } = await run({ tool, inside, outside });
      const mask = decodeRuns(Buffer.from(body.runs, 'base64'), voxels.length);
      for (const [z, y, x] of inside) expect(mask[(z! * 16 + y!) * 20 + x!]).toBe(1);
      for (const [z, y, x] of outside) expect(mask[(z! * 16 + y!) * 20 + x!]).toBe(0);
    }
  });

  it('are refused where they cannot be run, and to whom the case is not', async () => {
    const refused = async (body: object, asker = lead) => (await run(body, asker)).body.code;
    const inside = [[2, 8, 10]];
    expect(await refused({ tool: { tool: 'brush' }, inside })).toBe('reading.tool-impossible');
    expect(await refused({ tool: own, inside: [[6, 0, 0]] })).toBe('reading.tool-impossible');
    expect(await refused({ tool: own, inside: [] })).toBe('reading.request-malformed');
    expect(await refused({ tool: { ...own, function: 'dark' }, inside })).toBe('reading.app-code-missing');
    const without = await ask('POST', `/projects/plain/cases/${caseId}/tool`, { tool: own, inside });
    expect(without.body.code).toBe('reading.case-unknown');
    await ask('POST', '/projects/plain/cases', { series: [toySeriesUid('T1')] }).then(async ({ body: [made] }) => {
      const plain = await ask('POST', `/projects/plain/cases/${made.caseId}/tool`, { tool: own, inside });
      expect(plain.body.code).toBe('reading.tool-impossible');
    });
  });
});
