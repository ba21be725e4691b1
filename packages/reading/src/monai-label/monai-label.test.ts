/** MONAI Label's interface over HTTP: every route, who may ask, what is kept of what clients send, and what is refused. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AuditReader } from '@consilium/audit';
import { axisAligned, decodeNifti, encodeNifti, encodeNrrd } from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Asker } from '../asker.ts';
import { admitBlocks, blockLabel, clickBundle, thresholdBundle, zipOf } from '../models/toy-model.fixture.ts';
import {
  admitSeries,
  boxLabel,
  renalProtocol,
  toyFiles,
  toyGeometry,
  toyImage,
  toySeriesUid,
} from '../toy-room.fixture.ts';
import { formWith, MonaiServer } from './monai-server.fixture.ts';
import { addressesOf, type MonaiRoute, monaiRouteNeeds } from './route-needs.ts';

const lena: Asker = { person: 'lena', roles: ['lead'] };
const rita: Asker = { person: 'rita', roles: ['reviewer'] };
const anna: Asker = { person: 'anna', roles: ['reader'] };
const boris: Asker = { person: 'boris', roles: ['reader'] };
const sven: Asker = { person: 'sven', roles: ['lead', 'reader', 'reviewer'], projects: ['other'] };
let server: MonaiServer;
/** Answers for tasks before there is any. */
const none: number[] = [];
const label = boxLabel(1).with(9, 2);
const nifti = (voxels: Uint8Array = label, geometry = toyGeometry) => encodeNifti({ geometry, voxels });

beforeAll(async () => {
  server = await MonaiServer.start({ uploadMegabytesMax: 1 }, [lena, rita, anna, boris, sven]);
  for (const path of ['/train/', '/scoring/', '/batch/infer']) {
    none.push((await server.ask('rita', 'GET', path)).status);
  }
  await admitSeries(server.service.archive, ['R1', 'R2', 'R3', 'R4', 'R5', 'R6']);
});
afterAll(() => server[Symbol.asyncDispose]());

const send = (
  person: string,
  image: string,
  bytes = nifti(),
  { query = '', name = 'label.nii.gz', params = {} } = {},
) => server.ask(person, 'PUT', `/datastore/label?image=${image}${query}`, formWith('label', { bytes, name }, params));
const fetchLabel = async (person: string, image: string, tag: string) =>
  decodeNifti((await server.ask(person, 'GET', `/datastore/label?label=${image}&tag=${tag}`)).bytes).voxels;
const versionsOf = async (image: string) =>
  Object.keys((await server.ask('lena', 'GET', '/datastore/?output=all')).json().objects[image]?.labels ?? {}).filter(
    (tag) => tag.startsWith('version_'),
  );

describe('who may ask', () => {
  const routes = Object.keys(monaiRouteNeeds) as MonaiRoute[];
  const filled = (url: string) => url.replace(/:\w+/g, 'x').replace('*', 'studies');

  it('is served no route but those of the table', () => {
    const served = new Set(
      server.service.routes
        .filter(({ url }) => url.startsWith('/monailabel'))
        .map(({ method, url }) => `${method} ${url.replace('/monailabel', '')}`),
    );
    const wanted = routes.flatMap((route) => addressesOf(route).map((url) => `${route.split(' ')[0]} ${url}`));
    // Fastify tells of a first page once, and serves it with its slash and without.
    expect([...served].map((one) => (one === 'GET ' ? 'GET /' : one)).sort()).toEqual(wanted.sort());
  });

  it('is nobody without a token, and nobody of another project, at any route that is not open', async () => {
    for (const route of routes.filter((one) => monaiRouteNeeds[one] !== 'open')) {
      const [method = '', url = ''] = route.split(' ');
      expect([route, (await server.ask(undefined, method, filled(url))).status]).toEqual([route, 401]);
      expect([route, (await server.ask('sven', method, filled(url))).status]).toEqual([route, 404]);
    }
    expect((await server.ask(undefined, 'GET', '/nothing')).status).toBe(401);
  });

  it('does only what the own roles allow', async () => {
    const roles = { user: 'rita', image: 'rita', annotator: 'anna', admin: 'lena' } as const;
    for (const route of routes.filter((one) => monaiRouteNeeds[one] !== 'open')) {
      const need = monaiRouteNeeds[route] as keyof typeof roles;
      const [method = '', url = ''] = route.split(' ');
      for (const person of ['rita', 'anna', 'lena'] as const) {
        const isAllowed = need === 'user' || need === 'image' || roles[need] === person || person === 'lena';
        const { status, text } = await server.ask(person, method, filled(url));
        const isRefused = status === 403 && text.includes('Your roles do not allow');
        expect([route, person, isRefused]).toEqual([route, person, !isAllowed]);
      }
    }
  });

  it('logs in with a token for a password, as a form', async () => {
    expect((await server.ask(undefined, 'GET', '/auth/')).json()).toMatchObject({ enabled: true, realm: 'renal' });
    const logIn = (password: string) =>
      server.ask(
        undefined,
        'POST',
        '/auth/token',
        new URLSearchParams({ username: 'anna', password, grant_type: 'password' }),
      );
    expect((await logIn(server.token)).json()).toEqual({ access_token: server.token, token_type: 'bearer' });
    const refused = await logIn('wrong');
    expect([refused.status, refused.json().code]).toEqual([401, 'reading.login-refused']);
    expect((await server.ask('anna', 'GET', '/auth/token/valid')).json()).toEqual({
      ...{ username: 'anna', email: null, name: null, roles: ['annotator', 'user'] },
    });
    expect((await server.ask(undefined, 'GET', '/auth/token/valid')).status).toBe(401);
  });

  it('may fetch an image that was handed out without a token, that one, from there, for a while', async () => {
    const first = await server.addCase(toySeriesUid('R1'), ['anna']);
    const second = await server.addCase(toySeriesUid('R2'), ['boris']);
    const image = (id: string) => server.ask(undefined, 'GET', `/datastore/image?image=${id}`);
    expect((await image(first)).status).toBe(401);
    const next = (await server.ask('anna', 'POST', '/activelearning/next', {})).json();
    expect(next).toMatchObject({ id: first, name: `${first}.nii.gz`, SeriesInstanceUID: toySeriesUid('R1') });
    expect(decodeNifti((await image(first)).bytes)).toEqual(toyImage(0));
    expect([(await image(second)).status, (await image(toySeriesUid('R1'))).status]).toEqual([401, 401]);
    expect((await server.ask(undefined, 'GET', `/datastore/label?label=${first}&tag=final`)).status).toBe(401);
    server.clock.timeMs += 10 * 60_000;
    expect((await image(first)).status).toBe(401);
  });
});

describe('an image', () => {
  it('comes as a NIfTI file with the voxels of its series, by the case or the series', async () => {
    const { image: id } = (await send('anna', toySeriesUid('R1'))).json();
    for (const name of [id, `${id}.nii.gz`, toySeriesUid('R1')]) {
      const { bytes, headers, status } = await server.ask('lena', 'GET', `/datastore/image?image=${name}`);
      expect([status, headers.get('content-disposition')]).toEqual([200, `attachment; filename="${id}.nii.gz"`]);
      expect(decodeNifti(bytes)).toEqual(toyImage(0));
      const sum = createHash('sha256').update(bytes).digest('hex');
      const head = (check: string) => server.ask('lena', 'HEAD', `/datastore/image?image=${name}&check_sum=${check}`);
      expect((await head(`SHA256:${sum}`)).status).toBe(200);
      expect((await head(`SHA256:${'0'.repeat(64)}`)).status).toBe(404);
      expect((await head('MD5:00')).status).toBe(422);
    }
    expect((await server.ask('lena', 'GET', '/datastore/image?image=nothing')).json().code).toBe(
      'reading.case-unknown',
    );
    expect((await server.ask('anna', 'GET', `/datastore/image?image=${toySeriesUid('R2')}`)).status).toBe(404);
    const missing = await server.ask('lena', 'GET', '/datastore/image');
    expect([missing.status, missing.json().detail[0].loc]).toEqual([422, ['query', 'image']]);
  });

  it('is taken in through the archive’s door, and goes by the name that its sender gave it', async () => {
    const put = (name: string, bytes: Uint8Array, file: string) =>
      server.ask('lena', 'PUT', `/datastore/?image=${name}`, formWith('file', { bytes, name: file }));
    const volume = encodeNifti({ geometry: toyGeometry, voxels: toyImage(9).voxels });
    const { image } = (await put('Doe_Jane', volume, '/home/x/Doe.nii.gz')).json();
    expect((await put('Doe_Jane', volume, 'again.nii.gz')).json()).toEqual({ image });
    expect(decodeNifti((await server.ask('lena', 'GET', '/datastore/image?image=Doe_Jane')).bytes)).toEqual(
      toyImage(9),
    );
    expect((await server.ask('anna', 'GET', '/datastore/image?image=Doe_Jane')).status).toBe(404);
    const all = (await server.ask('lena', 'GET', '/datastore/?output=all')).text;
    expect([all.includes(image), all.includes('Doe')]).toEqual([true, false]);
    const series = zipOf(new Map(toyFiles('Z1', 3).map((bytes, at) => [`${at}.dcm`, bytes])));
    const zipped = (await put('zip', series, 'series.zip')).json();
    expect(decodeNifti((await server.ask('lena', 'GET', `/datastore/image?image=${zipped.image}`)).bytes)).toEqual(
      toyImage(3),
    );
    for (const [bytes, code] of [
      [Buffer.from('no image at all'), 'reading.image-refused'],
      [volume.subarray(0, 200), 'reading.image-refused'],
      [gzipSync(Buffer.alloc(8 * 2 ** 20)), 'reading.image-refused'],
      [zipOf(new Map([['a.txt', Buffer.from('text')]])), 'reading.image-refused'],
      [zipOf(new Map([['../../a.dcm', toyFiles('Z2')[0]!]])), 'archive.zip-path'],
      [zipOf(new Map([['a.dcm', new Uint8Array(8 * 2 ** 20)]])), 'archive.zip-too-large'],
      [new Uint8Array(2 * 2 ** 20), 'reading.upload-too-large'],
    ] as const) {
      expect((await put('bad', bytes, 'bad')).json().code).toBe(code);
    }
  });

  it('is neither removed nor described by clients', async () => {
    for (const path of ['/datastore/?id=x', '/datastore/image?id=x']) {
      expect((await server.ask('lena', 'DELETE', path)).json().code).toBe('reading.erasure-elsewhere');
    }
    const info = await server.ask('anna', 'PUT', '/datastore/image/info?image=x', new URLSearchParams({ info: '{}' }));
    expect([info.status, info.json().code]).toEqual([403, 'reading.info-kept']);
  });
});

describe('a label', () => {
  it('is a version that is handed in, whoever sends another: nothing is overwritten', async () => {
    const id = await server.addCase(toySeriesUid('R3'), ['anna']);
    expect((await server.ask('anna', 'GET', `/datastore/label?label=${id}&tag=final`)).status).toBe(404);
    const first = (await send('anna', id)).json();
    expect([first.image, first.label]).toEqual([id, id]);
    expect(await fetchLabel('anna', id, 'final')).toEqual(label);
    const other = boxLabel(2);
    const second = (await send('anna', id, nifti(other))).json();
    expect(second.version).not.toBe(first.version);
    expect(await fetchLabel('anna', id, 'final')).toEqual(other);
    expect([await fetchLabel('lena', id, 'version_1'), await fetchLabel('lena', id, 'version_2')]).toEqual([
      label,
      other,
    ]);
    expect(await versionsOf(id)).toEqual(['version_1', 'version_2']);
    expect(await fetchLabel('lena', id, 'reader_anna')).toEqual(other);
    expect((await server.ask('lena', 'HEAD', `/datastore/label?image=${id}&tag=final`)).status).toBe(200);
    expect((await server.ask('lena', 'HEAD', `/datastore/label?image=${id}&tag=none`)).status).toBe(404);
    // Another reader has nothing to do with it.
    expect((await send('boris', id)).json().code).toBe('reading.case-unknown');
    const taken = await server.ask('anna', 'DELETE', `/datastore/label?id=${id}&tag=final`);
    expect([taken.status, taken.json()]).toEqual([200, {}]);
    expect((await server.ask('lena', 'GET', `/datastore/label?label=${id}&tag=final`)).status).toBe(404);
    expect(await versionsOf(id)).toEqual(['version_1', 'version_2']);
    expect((await server.ask('anna', 'DELETE', `/datastore/label?id=${id}&tag=version_1`)).json().code).toBe(
      'reading.version-kept',
    );
    await send('anna', id, nifti(label));
    await server.approve(id);
    expect((await send('anna', id)).json().code).toBe('reading.state-wrong');
    expect((await server.ask('lena', 'GET', `/datastore/label/info?label=${id}&tag=final`)).json()).toMatchObject({
      ...{ client_id: 'anna', name: `${id}.nii.gz`, segmentationMeta: { status: 'approved' } },
      label_info: [
        { name: 'Kidney', idx: 1 },
        { name: 'Tumour', idx: 2 },
      ],
    });
  });

  it('is known by the names that the client gives its values, in whatever order', async () => {
    const id = await server.addCase(toySeriesUid('R4'), ['anna']);
    const turned = label.map((value) => (value === 0 ? 0 : 3 - value));
    const label_info = [
      { name: 'tumour', idx: 1 },
      { name: 'Kidney', idx: 2 },
    ];
    const files: [Uint8Array, string][] = [
      [nifti(turned), 'a.nii.gz'],
      [encodeNrrd({ geometry: toyGeometry, voxels: turned }), 'a.nrrd'],
      [turned, 'label.bin'],
    ];
    for (const [bytes, name] of files) {
      expect((await send('anna', id, bytes, { name, params: { label_info } })).status).toBe(200);
      expect(await fetchLabel('anna', id, 'final')).toEqual(label);
    }
    expect((await send('anna', id, label, { name: 'label.bin' })).status).toBe(200);
    expect(await fetchLabel('anna', id, 'final')).toEqual(label);
  });

  it('is refused as a whole, and changes nothing, if anything is wrong with it', async () => {
    const id = await server.addCase(toySeriesUid('R5'), ['anna']);
    const kept = (await send('anna', id)).json().version;
    const count = (await versionsOf(id)).length;
    const shifted = axisAligned({ ...toyGeometry, originMm: [1, 0, 0] });
    const stale = { version: 'f'.repeat(64) };
    for (const [response, status, code] of [
      [send('anna', id, nifti(label, shifted)), 400, 'reading.grid-mismatch'],
      [send('anna', id, label.subarray(1), { name: 'label.bin' }), 400, 'reading.grid-mismatch'],
      [send('anna', id, nifti(label.with(3, 7))), 400, 'reading.structure-unknown'],
      [
        send('anna', id, nifti(), { params: { label_info: [{ name: 'Spleen', idx: 1 }] } }),
        400,
        'reading.structure-unknown',
      ],
      [send('anna', id, nifti().subarray(0, 60)), 400, 'reading.file-unreadable'],
      [send('anna', id, gzipSync(Buffer.alloc(8 * 2 ** 20))), 400, 'reading.file-unreadable'],
      [send('anna', id, new Uint8Array(2 * 2 ** 20)), 413, 'reading.upload-too-large'],
      [send('anna', id, nifti(), { params: stale }), 404, 'reading.version-unknown'],
      [send('anna', id, nifti(), { query: '&tag=best' }), 400, 'reading.tag-unknown'],
      [send('anna', id, nifti(), { query: '&tag=original' }), 403, 'reading.role-wanted'],
      [send('anna', 'other', nifti()), 404, 'reading.case-unknown'],
      [send('anna', id, nifti(), { params: { label_info: 'x' } }), 422, 'reading.request-malformed'],
      [server.ask('anna', 'PUT', `/datastore/label?image=${id}`, {}), 422, 'reading.request-malformed'],
      [
        server.ask('anna', 'PUT', `/datastore/label?image=${id}`, formWith('file', { bytes: nifti(), name: 'x' })),
        422,
        'reading.request-malformed',
      ],
    ] as const) {
      const { json, status: answered } = await response;
      expect([json().code, answered]).toEqual([code, status]);
    }
    await cutOff(`/monailabel/datastore/label?image=${id}`);
    expect((await versionsOf(id)).length).toBe(count);
    expect((await server.ask('anna', 'GET', `/datastore/label/info?label=${id}&tag=final`)).json().version).toBe(kept);
    const left = readdirSync(uploadsOf());
    expect(left).toEqual([]);
  });

  it('drawn on a version that another changed meanwhile is kept, and a person says which counts', async () => {
    const id = await server.addCase(toySeriesUid('R6'), ['anna']);
    const first = (await send('anna', id)).json().version;
    await send('anna', id, nifti(boxLabel(1, { shift: 3 })));
    const stale = await send('anna', id, nifti(boxLabel(1, { shift: -3 })), { params: { version: first } });
    expect([stale.status, stale.json().code]).toEqual([409, 'reading.version-conflict']);
    expect((await versionsOf(id)).length).toBe(3);
  });

  it('is kept, and not handed in, where the protocol asks more than a client can answer', async () => {
    const [form] = renalProtocol.form!;
    const [series] = await admitBlocks(server.service.archive, { B2: {} });
    await server.room.projects.revise(lena, 'renal', { ...renalProtocol, form: [{ ...form!, required: true }] });
    const id = await server.addCase(series!, ['anna']);
    await server.room.projects.revise(lena, 'renal', renalProtocol);
    const asked = await send('anna', id);
    expect([asked.status, asked.json().code]).toEqual([409, 'reading.form-incomplete']);
    expect(asked.text).toContain('The label was kept, but not handed in.');
    expect(await fetchLabel('anna', id, 'version_1')).toEqual(label);
    expect((await server.ask('anna', 'HEAD', `/datastore/label?image=${id}&tag=final`)).status).toBe(404);
    expect((await send('anna', id, nifti(), { params: { form: { quality: 'good' } } })).status).toBe(200);
    expect((await server.ask('anna', 'HEAD', `/datastore/label?image=${id}&tag=final`)).status).toBe(200);
  });

  it('is approved or sent back by the Reviewer module of 3D Slicer', async () => {
    const id = toySeriesUid('R4');
    const meta = (status: string, comment = '') =>
      new URLSearchParams({
        params: JSON.stringify({ segmentationMeta: { status, level: 'easy', comment, approvedBy: 'x' } }),
      });
    const put = (person: string, body: URLSearchParams, tag = 'final') =>
      server.ask(person, 'PUT', `/datastore/updatelabelinfo?label=${id}&tag=${tag}`, body);
    expect((await put('anna', meta('approved'))).json().code).toBe('reading.role-wanted');
    await send('anna', id, nifti(boxLabel(1)));
    expect((await put('rita', meta('approved'), 'version_1')).json().code).toBe('reading.version-stale');
    const flagged = await put('rita', meta('flagged', 'the hilum'));
    expect([flagged.status, flagged.text]).toEqual([200, 'null']);
    const status = async () =>
      (await server.ask('rita', 'GET', `/datastore/label/info?label=${id}&tag=final`)).json().segmentationMeta.status;
    expect(await status()).toBe('flagged');
    await send('anna', id, nifti(boxLabel(2)));
    expect((await put('rita', meta('approved'))).status).toBe(200);
    expect(await status()).toBe('approved');
  });
});

function uploadsOf(): string {
  return `${server.directory}/monai-label/uploads`;
}

/** Says how much it will send, and breaks off half way. */
async function cutOff(path: string): Promise<void> {
  const form = new Response(formWith('label', { bytes: nifti(), name: 'label.nii.gz' }));
  const body = Buffer.from(await form.arrayBuffer());
  const { hostname, port } = new URL(server.service.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const head = [`PUT ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${server.token}`, 'X-Person: anna'];
  const type = `Content-Type: ${form.headers.get('content-type')}`;
  socket.write(`${[...head, type, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n`);
  socket.write(body.subarray(0, body.length / 2));
  await new Promise((done) => setTimeout(done, 100));
  socket.destroy();
  await once(socket, 'close');
  await new Promise((done) => setTimeout(done, 100));
}

describe('the datastore', () => {
  it('counts, lists for training, and gives images with final labels as a zip', async () => {
    const { completed, label_tags, total } = (await server.ask('lena', 'GET', '/datastore/')).json();
    expect([total, completed, label_tags.final]).toEqual([9, 5, 5]);
    const list = (await server.ask('lena', 'GET', '/datastore/?output=train')).json();
    expect(list).toHaveLength(5);
    expect(list[0].label).toMatch(/^labels\/final\/[0-9a-f-]+\.nii\.gz$/);
    expect((await server.ask('lena', 'GET', '/datastore?output=no')).status).toBe(422);
    const { bytes, headers } = await server.ask('lena', 'GET', '/datastore/dataset?limit_cases=1');
    expect(headers.get('content-type')).toBe('application/zip');
    const path = join(server.directory, 'dataset.zip');
    writeFileSync(path, bytes);
    await using zip = await server.service.archive.intake.readZip(path);
    const [image, finalLabel, metadata] = zip.files;
    const pair = [image!.path, finalLabel!.path].map((one) => one.split('/'));
    expect([pair[0]![0], pair[1]![0], pair[0]![1], metadata!.path]).toEqual([
      'image',
      'label',
      pair[1]![1],
      'metadata.json',
    ]);
    expect(decodeNifti(await zip.read(finalLabel!)).geometry).toEqual(decodeNifti(await zip.read(image!)).geometry);
  });

  it('shows a reader the own only', async () => {
    const mine = (await server.ask('boris', 'GET', '/datastore/?output=all')).json();
    // The own case, and those that anybody may take.
    const labels = (Object.values(mine.objects) as { labels: object }[]).map((image) => image.labels);
    expect(labels).toEqual([{}, {}, {}]);
  });

  it('says what the project is, with its labels as a list', async () => {
    const info = (await server.ask('rita', 'GET', '/info/')).json();
    expect(info).toMatchObject({ name: 'Renal mass', labels: ['Kidney', 'Tumour'], trainers: {}, train_stats: {} });
    expect(Object.keys(info.strategies)).toEqual(['next']);
    expect((await server.ask('rita', 'GET', '/info')).json()).toEqual(info);
  });

  it('scores tags with Dice, structure by structure, never above 1', async () => {
    const shifted = nifti(boxLabel(1, { shift: 4 }));
    const sent = await send('lena', toySeriesUid('R3'), shifted, { query: '&tag=original', params: { model: 'demo' } });
    expect(sent.status).toBe(200);
    const score = async (tags: object) =>
      (await server.ask('anna', 'POST', '/scoring/dice?run_sync=true', tags)).json();
    // Half of the kidney's box, and a tumour that the proposal has not.
    expect(await score({})).toEqual({
      images: 1,
      structures: { Kidney: { dice: 0.5, images: 1 }, Tumour: { dice: 0, images: 1 } },
    });
    const same = await score({ y: 'final', y_pred: 'reader_anna' });
    expect([same.images, same.structures.Kidney.dice, same.structures.Tumour.dice]).toEqual([5, 1, 1]);
    const task = (await server.ask('anna', 'POST', '/scoring/dice', {})).json();
    expect(task.status).toBe('RUNNING');
    await expect.poll(async () => (await server.ask('anna', 'GET', '/scoring/')).json().status).toBe('DONE');
    expect((await server.ask('anna', 'POST', '/scoring/sum', {})).status).toBe(404);
    expect((await server.ask('anna', 'GET', '/scoring/?check_if_running=true')).status).toBe(404);
  });
});

describe('training', () => {
  it('is not done here: the wish is written down, and a client is told so', async () => {
    expect(none).toEqual([404, 404, 404]);
    expect((await server.ask('lena', 'POST', '/train/', {})).json()).toEqual({});
    const task = (await server.ask('lena', 'POST', '/train/renal', { max_epochs: 3 })).json();
    expect(task).toMatchObject({ status: 'ERROR', request: { model: 'renal', max_epochs: 3 } });
    expect(task.details[0]).toContain('reading.trains-elsewhere');
    expect(task.start_ts).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect((await server.ask('rita', 'GET', '/train/')).json()).toEqual(task);
    expect((await server.ask('rita', 'GET', '/train/?check_if_running=true')).status).toBe(404);
    expect((await server.ask('rita', 'GET', '/train/?all=true')).json()).toContainEqual(task);
    expect((await server.ask('lena', 'DELETE', '/train/')).json()).toEqual(task);
    expect((await server.ask('lena', 'GET', '/logs/?html=false')).text).toContain('lena training-wished');
  });
});

describe('a session', () => {
  it('keeps an image for who sent it, until it is not used', async () => {
    const form = new FormData();
    form.set('files', new Blob([Buffer.from(nifti())]), '../../Doe^Jane.nii.gz');
    const { session_id: id, session_info: info } = (
      await server.ask('anna', 'PUT', '/session/?expiry=60', form)
    ).json();
    expect(info).toMatchObject({ name: id, image: `${id}/image.nii.gz`, expiry: 60 });
    expect((await server.ask('anna', 'GET', `/session/${id}`)).json()).toEqual(info);
    expect((await server.ask('anna', 'GET', `/session/${id}?image=true`)).bytes).toEqual(nifti());
    expect((await server.ask('boris', 'GET', `/session/${id}`)).json().code).toBe('reading.session-unknown');
    expect((await server.ask('anna', 'DELETE', `/session/${id}`)).json()).toEqual(info);
    expect((await server.ask('anna', 'GET', `/session/${id}`)).status).toBe(404);
    const again = new FormData();
    again.append('files', new Blob(['a']), 'a.nii');
    again.append('files', new Blob(['b']), 'b.nii');
    expect((await server.ask('anna', 'PUT', '/session/', again)).status).toBe(422);
  });
});

describe('a model', () => {
  let image: string;
  beforeAll(async () => {
    const [series] = await admitBlocks(server.service.archive, { B1: {} });
    image = await server.addCase(series!, ['anna']);
  });
  const put = (name: string, files: Map<string, Uint8Array>) =>
    server.ask('lena', 'PUT', `/model/${name}`, formWith('file', { bytes: zipOf(files), name: 'model.zip' }));
  const infer = (model: string, query: string, params: object, person = 'anna') => {
    const form = new FormData();
    form.set('params', JSON.stringify(params));
    return server.ask(person, 'POST', `/infer/${model}?image=${image}${query}`, form);
  };

  it('comes and goes as a zip, and is what it was', async () => {
    const { checksum } = (await put('threshold', thresholdBundle())).json();
    const { bytes } = await server.ask('lena', 'GET', '/model/threshold');
    expect(`SHA256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(checksum);
    expect((await server.ask('lena', 'GET', '/model/info/threshold')).json().checksum).toBe(checksum);
    const refused = await put('bad', new Map([['model.onnx', Buffer.from('x')]]));
    expect([refused.status, refused.json().code]).toEqual([400, 'reading.model-malformed']);
    expect((await server.ask('lena', 'GET', '/model/none')).json().code).toBe('reading.model-unknown');
    const { models } = (await server.ask('anna', 'GET', '/info/')).json();
    expect(models).toMatchObject({ threshold: { type: 'segmentation', labels: { Kidney: 1, Tumour: 2 } } });
  });

  it('draws many images as one task', async () => {
    const done = (await server.ask('lena', 'POST', '/batch/infer/threshold?images=unlabeled&run_sync=true', {})).json();
    expect(done).toMatchObject({ failed: 0, label_tag: 'original' });
    expect(done.total).toBeGreaterThan(1);
    expect((await server.ask('rita', 'GET', '/batch/infer')).json().status).toBe('DONE');
    expect((await server.ask('lena', 'DELETE', '/batch/infer')).json().status).toBe('DONE');
  });

  it('draws what it is known to draw, in every way that is asked for', async () => {
    const drawn = blockLabel();
    const output = await infer('threshold', '&output=image', { result_extension: '.nii' });
    expect(decodeNifti(output.bytes).voxels).toEqual(drawn);
    const json = (await infer('threshold', '&output=json', {})).json();
    expect(json.label_names).toEqual({ Kidney: 1, Tumour: 2 });
    const seg = await infer('threshold', '&output=dicom_seg', { label_info: [] });
    expect([seg.headers.get('content-type'), Buffer.from(seg.bytes.subarray(128, 132)).toString()]).toEqual([
      'application/dicom',
      'DICM',
    ]);
    const all = await infer('threshold', '', {});
    const parts = await new Response(Buffer.from(all.bytes), {
      headers: { 'content-type': all.headers.get('content-type')! },
    }).formData();
    expect(JSON.parse(String(parts.get('params'))).label_names).toEqual({ Kidney: 1, Tumour: 2 });
    const file = parts.get('image') as File;
    expect(file.name).toBe(`${image}.nii.gz`);
    expect(decodeNifti(new Uint8Array(await file.arrayBuffer())).voxels).toEqual(drawn);
    expect((await server.ask('boris', 'POST', `/infer/threshold?image=${image}`, new FormData())).status).toBe(404);
    expect((await infer('none', '', {})).json().code).toBe('reading.model-unknown');
    expect((await infer('threshold', '&session_id=x', {})).json().code).toBe('reading.infer-unavailable');
    expect((await server.ask('anna', 'POST', '/infer/wsi/x', {})).json().code).toBe('reading.infer-unavailable');
  });

  it('that was told to stop has not drawn', async () => {
    await put('other', thresholdBundle({ kidneyHu: 110 }));
    const asked = infer('other', '&output=json', {});
    const running = () =>
      server.room.models.work(lena, 'renal').find(({ state }) => state === 'waiting' || state === 'running');
    await expect.poll(running).toBeDefined();
    await server.room.models.cancel(lena, 'renal', running()!.id);
    const { json, status } = await asked;
    expect([status, json().code]).toEqual([500, 'reading.infer-failed']);
  });

  it('wants clicks if it answers to them, and is retired by who leads', async () => {
    const clicks = { name: 'clicks', kind: 'interactive', files: clickBundle(), structures: { kidney: 1 } } as const;
    await server.room.models.shelf.put(lena, 'renal', clicks);
    expect((await server.ask('anna', 'GET', '/info/')).json().models.clicks.type).toBe('deepedit');
    expect((await infer('clicks', '', {})).json().code).toBe('reading.prompt-outside');
    expect((await infer('clicks', '', { Kidney: 'x' })).status).toBe(422);
    expect((await server.ask('lena', 'DELETE', '/model/threshold')).json()).toEqual({});
    expect((await server.ask('lena', 'GET', '/model/threshold')).status).toBe(404);
  });
});

describe('besides', () => {
  it('there is a first page, one in place of OHIF, and the way to the archive’s DICOMweb', async () => {
    expect((await server.ask(undefined, 'GET', '')).status).toBe(200);
    expect((await server.ask(undefined, 'GET', '/')).status).toBe(200);
    expect((await server.ask(undefined, 'GET', '/ohif/viewer')).text).toContain('No OHIF is set up here');
    for (const path of ['studies', 'qido/studies', 'wado/studies']) {
      const found = await server.ask('lena', 'GET', `/proxy/dicom/${path}?limit=2`);
      expect([path, found.status, found.json().length]).toEqual([path, 200, 2]);
    }
    const stored = await server.ask('lena', 'POST', '/proxy/dicom/stow/studies', 'x', { 'Content-Type': 'text/plain' });
    expect(stored.status).toBe(415);
    expect((await server.ask('lena', 'GET', '/logs/gpu')).status).toBe(200);
    expect((await server.ask('lena', 'GET', '/logs/?lines=2')).text).toContain('<pre>');
  });
});

describe('the audit log', () => {
  it('says who was given images and labels, and who sent some, and names no patient', () => {
    using reader = AuditReader.open(join(server.directory, 'audit'));
    const entries = reader.entries({ last: 10_000 });
    const acts = new Set(entries.map(({ action, actor }) => `${actor.id} ${action}`));
    const wanted = [
      'anna study.exported',
      'lena study.exported',
      'lena import.begun',
      'anna label.exported',
      'lena model.put',
    ];
    expect(wanted.filter((act) => !acts.has(act))).toEqual([]);
    expect(JSON.stringify(entries)).not.toMatch(/Doe|R1/);
  });
});
