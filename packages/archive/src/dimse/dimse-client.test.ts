import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArchiveError } from '../archive-error.ts';
import { DimseArchive } from './dimse-archive.ts';
import { DimseClient, type RetrieveProgress } from './dimse-client.ts';
import { dataSetBytes, exampleSeries, hasOrthanc, KeepingDoor, type Orthanc, startOrthanc } from './peers.fixture.ts';
import { type PullOptions, pull } from './pull.ts';
import { StorageServer } from './storage-server.ts';

const slices = 6;
const series = exampleSeries({ slices, patient: 'PULL' });
const door = new KeepingDoor();
const never = new AbortController().signal;

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ArchiveError)) throw error ?? new Error('It did not fail.');
  return error.code;
}

describe.skipIf(!hasOrthanc)('as a user of Orthanc', () => {
  let orthanc: Orthanc;
  let server: StorageServer;
  let client: DimseClient;
  let studyInstanceUid: string;

  beforeAll(async () => {
    server = new StorageServer({
      aeTitle: 'CONSILIUM',
      peers: [{ name: 'pacs', aeTitle: 'ORTHANC', addresses: ['127.0.0.1'] }],
      door,
    });
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    orthanc = await startOrthanc();
    await orthanc.rest('PUT', '/modalities/us', ['CONSILIUM', '127.0.0.1', port]);
    client = new DimseClient({
      ...{
        aeTitle: 'ORTHANC',
        callingAeTitle: 'CONSILIUM',
        host: '127.0.0.1',
        port: orthanc.dicomPort,
        idleMs: 20_000,
      },
    });
    expect(await client.store(series)).toEqual(Array(slices).fill(0));
    const matches = await all(client.find({ level: 'STUDY', keys: { StudyInstanceUID: '', PatientID: 'PULL' } }));
    studyInstanceUid = matches[0]!.requiredText('StudyInstanceUID');
  });
  afterAll(async () => {
    await orthanc?.[Symbol.asyncDispose]();
    await server?.close();
  });

  it('is heard', async () => {
    await client.echo();
    // Orthanc hears us in the same way.
    await orthanc.rest('POST', '/modalities/us/echo', {});
  });

  it('finds by patient, study, series and image, with names in their own letters', async () => {
    const patients = await all(
      client.find({ root: 'patient', level: 'PATIENT', keys: { PatientID: 'PULL', PatientName: '' } }),
    );
    expect(patients.map((match) => match.text('PatientName'))).toEqual(['Müller^Example']);
    const keys = { StudyInstanceUID: studyInstanceUid, SeriesInstanceUID: '', Modality: '' };
    const found = await all(client.find({ level: 'SERIES', keys }));
    expect(found.map((match) => match.text('Modality'))).toEqual(['CT']);
    const images = await new DimseArchive({ client, retrieve: { by: 'get' } }).list({ studyInstanceUid }, never);
    expect(images.map(({ sopClassUid }) => sopClassUid)).toEqual(Array(slices).fill('1.2.840.10008.5.1.4.1.1.2'));
  });

  it.each(['get', 'move'] as const)('has a study sent by C-%s, as it was', async (by) => {
    door.files.length = 0;
    const told: RetrieveProgress[] = [];
    const identifier = { level: 'STUDY', keys: { StudyInstanceUID: studyInstanceUid } } as const;
    const options = { onProgress: (progress: RetrieveProgress) => told.push(progress) };
    const progress =
      by === 'get'
        ? await client.get({ ...identifier, door }, options)
        : await client.move({ ...identifier, destination: 'CONSILIUM' }, options);
    expect(progress).toEqual({ remaining: 0, completed: slices, failed: 0, warnings: 0 });
    expect(told.map(({ completed }) => completed)).toEqual(
      [...told.map(({ completed }) => completed)].sort((a, b) => a - b),
    );
    const sent = series.map((file) => dataSetBytes(file).toString('hex')).sort();
    expect(door.files.map(({ bytes }) => dataSetBytes(bytes).toString('hex')).sort()).toEqual(sent);
  });

  it('stops when it is cancelled', async () => {
    door.files.length = 0;
    const controller = new AbortController();
    const cancellingDoor = {
      admit: (...args: Parameters<KeepingDoor['admit']>) => {
        controller.abort();
        return door.admit(...args);
      },
    };
    const identifier = { level: 'STUDY', keys: { StudyInstanceUID: studyInstanceUid }, door: cancellingDoor } as const;
    await client.get(identifier, { signal: controller.signal });
    expect(door.files.length).toBeLessThanOrEqual(slices);
    expect(
      await codeOf(new DimseArchive({ client, retrieve: { by: 'get' } }).list({ studyInstanceUid }, controller.signal)),
    ).toBe('archive.pull-cancelled');
  });

  it('says what Orthanc answers where it cannot', async () => {
    const nowhere = client.move({
      level: 'STUDY',
      keys: { StudyInstanceUID: studyInstanceUid },
      destination: 'NOWHERE',
    });
    expect(await codeOf(nowhere)).toBe('archive.dimse-failed');
  });

  describe('pulling', () => {
    const options = (change: Partial<PullOptions>): PullOptions => ({
      remote: new DimseArchive({ client, retrieve: { by: 'get' } }),
      target: { studyInstanceUid },
      ...{ door, signal: never, sleep: async () => {}, heldOf: async () => new Set<string>() },
      ...change,
    });

    it('fetches what is missing only', async () => {
      door.files.length = 0;
      const remote = new DimseArchive({ client, retrieve: { by: 'get' } });
      const held = new Set(
        (await remote.list({ studyInstanceUid }, never)).slice(0, 4).map(({ sopInstanceUid }) => sopInstanceUid),
      );
      const result = await pull(options({ heldOf: async () => held }));
      expect(result).toEqual({ instances: slices, held: slices, complete: true, failure: undefined });
      expect(door.files.length).toBe(2);
    });

    it('goes on after failures while something arrives, and gives up when nothing does', async () => {
      door.files.length = 0;
      let admissions = 0;
      const limping = {
        admit: (...args: Parameters<KeepingDoor['admit']>) => {
          if (++admissions % 2 === 0) throw new ArchiveError('archive.disk-full', 'Full.');
          return door.admit(...args);
        },
      };
      expect(await pull(options({ door: limping }))).toMatchObject({ complete: true });
      expect(new Set(door.files.map(({ bytes }) => dataSetBytes(bytes).toString('hex'))).size).toBe(slices);
      const shut = { admit: () => Promise.reject(new ArchiveError('archive.disk-full', 'Full.')) };
      const pauses: number[] = [];
      const given = await pull(options({ door: shut, sleep: async (ms) => void pauses.push(ms) }));
      expect(given).toMatchObject({ complete: false, held: 0, instances: slices });
      expect(pauses).toEqual([1000, 2000, 4000]);
    });
  });
});

describe('a remote node that is not as expected', () => {
  it('is unreachable where nobody listens', async () => {
    const client = new DimseClient({ aeTitle: 'X', callingAeTitle: 'Y', host: '127.0.0.1', port: 1 });
    expect(await codeOf(client.echo())).toBe('archive.dimse-unreachable');
  });

  it('has no context for what it does not offer', async () => {
    const peers = [{ name: 'me', aeTitle: 'ME', addresses: ['127.0.0.1'] }];
    await using server = new StorageServer({ aeTitle: 'CONSILIUM', peers, door });
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    const client = new DimseClient({ aeTitle: 'CONSILIUM', callingAeTitle: 'ME', host: '127.0.0.1', port });
    expect(await codeOf(all(client.find({ level: 'STUDY', keys: {} })))).toBe('archive.dimse-no-context');
  });
});
