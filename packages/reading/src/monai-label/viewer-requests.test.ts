/**
 * What viewers send, byte for byte as their sources write it (MONAI Label 0.8.5: the OHIF v3 extension, 3D Slicer’s module and its
 * Reviewer): where they ask another way than the Python client. Without logging in, from this machine.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { decodeNifti, encodeNifti, encodeNrrd } from '@consilium/imaging';
import nrrd from 'nrrd-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Asker } from '../asker.ts';
import { admitBlocks, blockLabel, clickBundle, thresholdBundle } from '../models/toy-model.fixture.ts';
import { admitSeries, boxLabel, ToyDirectory, toyGeometry, toySeriesUid } from '../toy-room.fixture.ts';
import { MonaiServer } from './monai-server.fixture.ts';

const lena: Asker = { person: 'lena', roles: ['lead'] };
const viewer = 'http://localhost:3000';
const built = new ToyDirectory();
let server: MonaiServer;
let series: string;
let caseId: string;

beforeAll(async () => {
  mkdirSync(join(built.path, 'assets'));
  writeFileSync(join(built.path, 'index.html'), '<!doctype html>the viewer');
  writeFileSync(join(built.path, 'assets/app.js'), 'run()');
  server = await MonaiServer.start({
    ...{ auth: 'off', corsOrigins: [viewer], ohifDirectory: built.path, roles: ['lead', 'reader', 'reviewer'] },
  });
  [series = ''] = await admitBlocks(server.service.archive, { B1: {} });
  caseId = await server.addCase(series);
  await admitSeries(server.service.archive, ['R1', 'R2']);
  const { shelf } = server.room.models;
  await shelf.put(lena, 'renal', { name: 'threshold', kind: 'automatic', files: thresholdBundle() });
  await shelf.put(lena, 'renal', {
    name: 'clicks',
    kind: 'interactive',
    files: clickBundle(),
    structures: { kidney: 1 },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  built[Symbol.dispose]();
});

/** Sends what it is given, and answers with all that comes until the server ends the connection. */
async function raw(lines: readonly string[], body: Buffer | string = ''): Promise<string> {
  const { hostname, port } = new URL(server.service.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.write(body);
  let text = '';
  for await (const chunk of socket.setEncoding('latin1')) text += chunk;
  return text;
}

describe('OHIF’s extension', () => {
  it('is given the archive’s images by whoever has a token of the archive, also where nobody logs in here', async () => {
    const studies = (headers: Record<string, string>) =>
      server.ask(undefined, 'GET', '/proxy/dicom/studies', undefined, headers);
    const refused = await studies({ Origin: viewer });
    expect([refused.status, refused.json().code]).toEqual([401, 'archive.token-wanted']);
    const { json, status } = await studies({ Origin: viewer, Authorization: `Bearer ${server.token}` });
    expect([status, json().length]).toEqual([200, 3]);
  });

  const accept = 'application/json, multipart/form-data';
  const post = (path: string, body: FormData | object) =>
    server.ask(undefined, 'POST', path, body, { Accept: accept, Origin: viewer });

  it('may ask from where the settings say, and from nowhere else', async () => {
    const preflight = await server.ask(undefined, 'OPTIONS', '/infer/threshold', undefined, {
      ...{ Origin: viewer, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, viewer]);
    const info = await server.ask(undefined, 'GET', '/info/', undefined, { Origin: viewer });
    expect([info.status, info.headers.get('access-control-allow-origin')]).toEqual([200, viewer]);
    for (const headers of [{ Origin: 'https://evil.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      const foreign = await server.ask(undefined, 'GET', '/info/', undefined, headers);
      expect([foreign.status, foreign.json().code]).toEqual([403, 'reading.foreign-page']);
      expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    }
    // A name that somebody lets point to this machine (DNS rebinding).
    expect(await raw(['GET /monailabel/info/ HTTP/1.1', 'Host: evil.example', 'Connection: close'])).toContain(
      '403 Forbidden',
    );
  });

  it('reads what a model drew in the order of the volume, with the values of its list', async () => {
    const { models, labels } = (await server.ask(undefined, 'GET', '/info/')).json();
    // As the extension does before it shows anything.
    labels.push(...Object.keys(models.threshold.labels));
    const form = new FormData();
    const params = {
      result_extension: '.nrrd',
      result_dtype: 'uint8',
      result_compress: false,
      restore_label_idx: false,
    };
    form.append('params', JSON.stringify(params));
    const { bytes, status } = await post(`/infer/threshold?image=${series}&output=image`, form);
    expect(status).toBe(200);
    const read = nrrd.parse(new Uint8Array(bytes).buffer);
    expect([read.encoding, read.type, read.sizes]).toEqual(['raw', 'uint8', toyGeometry.size.toReversed()]);
    expect(new Uint8Array(read.buffer)).toEqual(blockLabel());
    expect(models.threshold.labels).toEqual({ Kidney: 1, Tumour: 2 });
  });

  it('clicks with a list of voxels a structure', async () => {
    const at = blockLabel().indexOf(1);
    const form = new FormData();
    const clicks = { Kidney: [[at % 20, Math.floor(at / 20) % 16, Math.floor(at / 320)]], background: [] };
    const params = { ...clicks, result_extension: '.nrrd', result_dtype: 'uint8', result_compress: false };
    form.append('params', JSON.stringify({ ...params, restore_label_idx: false }));
    const { bytes } = await post(`/infer/clicks?image=${series}&output=image`, form);
    form.set('params', JSON.stringify({ ...params, Kidney: [[99, 0, 0]] }));
    const outside = await post(`/infer/clicks?image=${series}&output=image`, form);
    expect(outside.json().code).toBe('reading.prompt-outside');
    expect(new Uint8Array(nrrd.parse(new Uint8Array(bytes).buffer).buffer)[at]).toBe(1);
  });

  it('asks for the next case, and about training', async () => {
    const { json } = await post('/activelearning/random', {});
    expect(json()).toMatchObject({
      id: caseId,
      SeriesInstanceUID: series,
      StudyInstanceUID: expect.stringMatching(/^[\d.]+$/),
    });
    expect((await post('/train/', {})).json()).toEqual({});
    expect((await server.ask(undefined, 'GET', '/train/?check_if_running=true')).status).toBe(404);
  });

  it('is served where a built one lies, at all of its addresses', async () => {
    const shown = async (path: string) => (await server.ask(undefined, 'GET', path)).text;
    for (const path of ['/ohif/', '/ohif', '/ohif/viewer?StudyInstanceUIDs=1'])
      expect(await shown(path)).toContain('the viewer');
    expect(await shown('/ohif/assets/app.js')).toBe('run()');
    expect((await server.ask(undefined, 'GET', '/ohif/none.js')).status).toBe(404);
    const outside = await raw([
      'GET /monailabel/ohif/../../../etc/passwd.txt HTTP/1.1',
      'Host: localhost',
      'Connection: close',
    ]);
    expect(outside).not.toContain('root:');
  });
});

describe('3D Slicer', () => {
  it('sends type and length of its last body with requests that have none, and is answered', async () => {
    const head = [
      'Host: localhost',
      'content-type: multipart/form-data; boundary=----------lImIt_of_THE_fIle_eW_$',
      'content-length: 9124',
    ];
    expect(await raw(['DELETE /monailabel/train/ HTTP/1.1', ...head])).toMatch(/^HTTP\/1.1 200 OK[\s\S]*null$/);
    expect(await raw(['GET /monailabel/info/ HTTP/1.1', ...head])).toContain('Renal mass');
  });

  it('repeats the boundary of an earlier form, and is believed by its body', async () => {
    const file = Buffer.from(encodeNifti({ geometry: toyGeometry, voxels: boxLabel(1) }));
    const body = Buffer.concat([
      Buffer.from('--2c7e\r\nContent-Disposition: form-data; name="client_id"\r\n\r\nuser-xyz\r\n'),
      Buffer.from('--2c7e\r\nContent-Disposition: form-data; name="files"; filename="tmp1.nii.gz"\r\n\r\n'),
      file,
      Buffer.from('\r\n--2c7e--\r\n'),
    ]);
    const stale = 'content-type: multipart/form-data; boundary=----------lImIt_of_THE_fIle_eW_$';
    const lines = [
      'PUT /monailabel/session/ HTTP/1.1',
      'Host: localhost',
      stale,
      `Content-Length: ${body.length}`,
      'Connection: close',
    ];
    expect(await raw(lines, body)).toMatch(/^HTTP\/1.1 200 OK[\s\S]*"session_id"/);
  });

  it('names files with their whole path, and labels with names of its own order', async () => {
    const id = await server.addCase(toySeriesUid('R1'));
    const limit = '----------lImIt_of_THE_fIle_eW_$';
    const label_info = JSON.stringify({
      label_info: [
        { name: 'Kidney', idx: 1 },
        { name: 'Tumour', idx: 2 },
      ],
      model: '',
      client_id: 'user-xyz',
    });
    const segments = [
      { name: 'Tumour', colour: undefined },
      { name: 'Kidney', colour: undefined },
    ];
    const file = Buffer.from(encodeNrrd({ geometry: toyGeometry, voxels: boxLabel(2) }, { segments }));
    const body = Buffer.concat([
      Buffer.from(`--${limit}\r\nContent-Disposition: form-data; name="params"\r\n\r\n${label_info}\r\n`),
      Buffer.from(
        `--${limit}\r\nContent-Disposition: form-data; name="label"; filename="/home/anna/Slicer/tmp1.seg.nrrd"\r\n`,
      ),
      Buffer.from('Content-Type: application/octet-stream\r\n\r\n'),
      ...[file, Buffer.from(`\r\n--${limit}--\r\n\r\n`)],
    ]);
    const lines = [`PUT /monailabel/datastore/label?image=${id} HTTP/1.1`, 'Host: localhost', 'Connection: close'];
    const type = `content-type: multipart/form-data; boundary=${limit}`;
    expect(await raw([...lines, type, `content-length: ${body.length}`], body)).toMatch(/^HTTP\/1.1 200 OK/);
    const { bytes } = await server.ask(undefined, 'GET', `/datastore/label?label=${id}&tag=final`);
    expect(decodeNifti(bytes).voxels).toEqual(boxLabel(1));
  });

  it('fetches the case that it was given, and the proposal, whose names are those of its values', async () => {
    const { objects } = (await server.ask(undefined, 'GET', '/datastore/?output=all')).json();
    const { info } = objects[caseId].labels.original;
    expect(info.params.label_names).toEqual({ Kidney: 1, Tumour: 2 });
    const { bytes, headers } = await server.ask(undefined, 'GET', `/datastore/label?label=${caseId}&tag=original`);
    expect(headers.get('content-disposition')).toContain('.nii.gz');
    expect(decodeNifti(bytes).voxels).toEqual(blockLabel());
  });
});

describe('the Reviewer of 3D Slicer', () => {
  it('finds the server, sends a version, and says of it what it found', async () => {
    expect((await server.ask(undefined, 'GET', '')).status).toBe(200);
    const id = await server.addCase(toySeriesUid('R2'));
    const form = new FormData();
    form.append('params', JSON.stringify({ segmentationMeta: { status: 'segmented', level: 'easy', comment: '' } }));
    form.append(
      'label',
      new Blob([Buffer.from(encodeNrrd({ geometry: toyGeometry, voxels: boxLabel(1) }))]),
      `${id}.nrrd`,
    );
    expect((await server.ask(undefined, 'PUT', `/datastore/label?image=${id}&tag=version_1`, form)).status).toBe(200);
    const meta = (status: string) =>
      new URLSearchParams({ params: JSON.stringify({ segmentationMeta: { status, comment: 'hilum' } }) });
    const update = (status: string) =>
      server.ask(undefined, 'PUT', `/datastore/updatelabelinfo?label=${id}&tag=final`, meta(status), {
        accept: 'application/json',
      });
    // Who drew a label does not approve it: the protocol wants four eyes.
    expect((await update('approved')).json().code).toBe('reading.four-eyes');
    expect((await update('segmented')).text).toBe('null');
    expect((await server.ask(undefined, 'DELETE', `/datastore/label?id=${id}&tag=version_1`)).status).toBe(200);
    expect((await server.ask(undefined, 'DELETE', `/datastore/label?id=${id}&tag=version_1`)).json().code).toBe(
      'reading.version-kept',
    );
  });
});
