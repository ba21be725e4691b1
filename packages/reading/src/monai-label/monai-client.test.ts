/**
 * MONAI Label's own Python client, as its package has it, against this interface: with a token and without. The client is of
 * another project (Apache-2.0), so it is installed, not kept here: see scripts/check.ts.
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeNifti, decodeNrrd, encodeNifti } from '@consilium/imaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Asker } from '../asker.ts';
import { admitBlocks, blockImage, blockLabel, thresholdBundle } from '../models/toy-model.fixture.ts';
import { toyGeometry } from '../toy-room.fixture.ts';
import { MonaiServer } from './monai-server.fixture.ts';

/** A Python environment with the package. */
const home = process.env['MONAI_LABEL_CLIENT'] ?? join(tmpdir(), 'consilium-monai-label');
const [clientFile] = globSync(join(home, 'lib/python3*/site-packages/monailabel/client/client.py'));
const python = join(home, 'bin/python');
const isMissing = clientFile === undefined || !existsSync(python);
if (isMissing) {
  if (process.env['CI'] !== undefined) throw new Error(`MONAI Label’s client is missing in CI: ${home}`);
  console.log(
    `MONAI Label’s client is not installed in ${home}: its tests are skipped (MONAI_LABEL_CLIENT says where).`,
  );
}

describe.skipIf(isMissing).each(['token', 'off'] as const)('MONAI Label’s client, auth %s', (auth) => {
  let server: MonaiServer;
  let caseId: string;
  // biome-ignore lint/suspicious/noExplicitAny: as the client printed it
  let got: Record<string, any>;
  const files = mkdtempSync(join(tmpdir(), 'consilium-monai-'));
  const lena: Asker = { person: 'lena', roles: ['lead'] };

  beforeAll(async () => {
    server = await MonaiServer.start({ auth });
    const [series] = await admitBlocks(server.service.archive, { B1: {} });
    caseId = await server.addCase(series!);
    await server.room.models.shelf.put(lena, 'renal', {
      name: 'threshold',
      kind: 'automatic',
      files: thresholdBundle(),
    });
    const [image, label] = [join(files, 'image.nii.gz'), join(files, 'label.nii.gz')];
    writeFileSync(image, encodeNifti(blockImage({ shift: 2 })));
    writeFileSync(label, encodeNifti({ geometry: toyGeometry, voxels: blockLabel(1) }));
    const drive = join(import.meta.dirname, 'monai_client_drive.py');
    const login = auth === 'token' ? ['anna', await server.tokenOf('anna', ['room.enter', 'image.store'])] : [];
    const args = [drive, clientFile!, server.url, series!, image, label, files, ...login];
    got = JSON.parse((await promisify(execFile)(python, args, { maxBuffer: 2 ** 26 })).stdout);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(files, { recursive: true });
  });

  it('logs in as the server wants it', () => {
    expect(got['enabled']).toBe(auth === 'token');
    if (auth === 'off') return;
    expect(got['stranger']).toContain('401');
    expect(got['wrong']).toContain('reading.login-refused');
    expect(got['saved'].version).toMatch(/^[0-9a-f]{64}$/);
    const { person } = server.room.versions(lena, 'renal').find(({ kind }) => kind !== 'proposal')!;
    expect(person).toBe('anna');
  });

  it('does no more than its token is for', async () => {
    if (auth === 'off') return;
    const ask = async (scope: 'room.enter' | 'image.store', method: string, path: string) => {
      const headers = { Authorization: `Bearer ${await server.tokenOf('anna', [scope])}` };
      const response = await fetch(`${server.url}${path}`, { method, headers });
      return [response.status, (await response.json()).code];
    };
    expect(await ask('room.enter', 'PUT', '/datastore/image?image=x')).toEqual([403, 'people.not-allowed']);
    expect(await ask('image.store', 'GET', '/info/')).toEqual([403, 'people.not-allowed']);
    expect(await ask('room.enter', 'GET', '/proxy/dicom/studies')).toEqual([403, 'archive.not-allowed']);
    expect(await ask('room.enter', 'GET', '/info/')).toEqual([200, undefined]);
  });

  it('is told of the project, and of the next case', () => {
    expect(got['info']).toMatchObject({ name: 'Renal mass', models: { threshold: { type: 'segmentation' } } });
    expect([got['slicer'], got['next'].id, got['next'].name]).toEqual(['Renal mass', caseId, `${caseId}.nii.gz`]);
  });

  it('gets what a model draws, as a file and numbers', () => {
    expect(decodeNrrd(readFileSync(got['infer'].file)).voxels).toEqual(blockLabel());
    expect(got['infer'].params.label_names).toEqual({ Kidney: 1, Tumour: 2 });
    // By the name that it sent the image under.
    if (auth === 'off') expect(got['uploadedInfer'].label_names).toEqual({ Kidney: 1, Tumour: 2 });
    expect(got['none']).toContain('reading.model-unknown');
    // It never sends its token with this one.
    expect(got['wsi']).toContain(auth === 'token' ? '401' : 'reading.infer-unavailable');
  });

  it('keeps, gets and lists labels and images', () => {
    expect(got['saved']).toMatchObject({ image: caseId, label: caseId });
    expect(got['label']).toMatch(/\.nii\.gz$/);
    expect(decodeNifti(readFileSync(got['label'])).voxels).toEqual(blockLabel(1));
    const { objects } = got['datastore'];
    expect(Object.keys(objects).sort()).toEqual([caseId, got['uploaded'].image].sort());
    expect(Object.keys(objects[caseId].labels)).toEqual([
      'original',
      'final',
      expect.stringMatching(/^reader_/),
      'version_1',
    ]);
    expect(JSON.stringify(got['datastore'])).not.toContain('Doe');
  });

  it('has sessions', () => {
    const { session_id: id, session_info: info } = got['session'];
    expect(got['sessionAgain']).toEqual(info);
    expect(got['sessionGone'].name).toBe(id);
    expect(got['sessionInfer']).toContain('reading.infer-unavailable');
  });

  it('is told that nothing is trained', () => {
    expect(got['running']).toBe(false);
    expect([got['train'].status, got['trainStatus'].status, got['trainStop'].status]).toEqual([
      'ERROR',
      'ERROR',
      'ERROR',
    ]);
    expect(got['trainAll']).toEqual({});
  });
});
