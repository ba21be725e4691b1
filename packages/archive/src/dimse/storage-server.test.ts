import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePart10 } from '@consilium/imaging';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Admission } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import { type DimseRemote, openAssociation } from './association-request.ts';
import { commandFields, encodeCommandSet } from './command-set.ts';
import { DimseClient } from './dimse-client.ts';
import { dataPduHead, encodeAssociateRequest, encodeReleaseRequest } from './pdu.ts';
import {
  type Certificates,
  dataSetBytes,
  dcmtk,
  exampleSeries,
  hasDcmtk,
  hasTestData,
  KeepingDoor,
  makeCertificates,
  realFiles,
} from './peers.fixture.ts';
import { explicitLittleEndian, implicitLittleEndian, verificationClass } from './sop-classes.ts';
import { StorageServer, type StorageServerOptions } from './storage-server.ts';
import type { StorageEvent } from './storage-session.ts';

const door = new KeepingDoor();
const events: StorageEvent[] = [];
const mebibyte = 2 ** 20;
let server: StorageServer;
let remote: DimseRemote;
const series = exampleSeries();

function startServer(options: Partial<StorageServerOptions> = {}): StorageServer {
  return new StorageServer({
    aeTitle: 'CONSILIUM',
    peers: [
      { name: 'scanner', aeTitle: 'SCANNER', addresses: ['127.0.0.0/8'] },
      { name: 'elsewhere', aeTitle: 'ELSEWHERE', addresses: ['192.0.2.7'] },
    ],
    door,
    report: (event) => events.push(event),
    ...options,
  });
}

beforeAll(async () => {
  server = startServer({ associationsMax: 3, instanceBytesMax: mebibyte, receivedBytesMax: 2 * mebibyte });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  remote = { aeTitle: 'CONSILIUM', callingAeTitle: 'SCANNER', host: '127.0.0.1', port };
});
afterAll(() => server.close());
beforeEach(() => {
  door.files.length = 0;
  door.answer = undefined;
  events.length = 0;
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ArchiveError)) throw error ?? new Error('It did not fail.');
  return error.code;
}

describe('what is received', () => {
  it.skipIf(!hasDcmtk)('is what storescu sent, byte for byte, each in a DICOM file of its own', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'consilium-dimse-'));
    const paths = series.map((_, index) => join(directory, `${index}.dcm`));
    for (const [index, path] of paths.entries()) writeFileSync(path, series[index]!);
    const { code } = await dcmtk('storescu', [
      '-aet',
      'SCANNER',
      '-aec',
      'CONSILIUM',
      '127.0.0.1',
      String(remote.port),
      ...paths,
    ]);
    rmSync(directory, { recursive: true });
    expect(code).toBe(0);
    expect(door.files.map(({ bytes }) => dataSetBytes(bytes))).toEqual(series.map(dataSetBytes));
    expect(door.files[0]!.origin).toEqual({ kind: 'dimse', callingAeTitle: 'SCANNER' });
  });

  it.skipIf(!hasTestData)('is unaltered in every transfer syntax, also where it is damaged', async () => {
    const files = realFiles('ts').concat(realFiles('pydicom'), realFiles('seg/highdicom'));
    const sendable = files.filter(({ bytes }) => bytes.length < mebibyte && sopOf(bytes) !== undefined);
    const sent = sendable.slice(0, 120);
    const statuses = await new DimseClient(remote).store(sent.map(({ bytes }) => bytes));
    const stored = sent.filter((_, index) => statuses[index] === 0);
    expect(door.files.length).toBe(stored.length);
    expect(stored.length).toBeGreaterThan(100);
    for (const [index, { bytes, name }] of stored.entries()) {
      const same = dataSetBytes(door.files[index]!.bytes).equals(dataSetBytes(bytes));
      expect(same, name).toBe(true);
    }
  });

  it('may come in fragments of any size, empty ones too', async () => {
    const [file] = series;
    await sendAll(remote.port, storeTranscript(file!, [0, 1, 0, 2, 3, 5000]));
    expect(door.files.map(({ bytes }) => dataSetBytes(bytes))).toEqual([dataSetBytes(file!)]);
  });

  it('is acknowledged only when the door says that it is durable', async () => {
    const { promise, resolve } = Promise.withResolvers<Admission>();
    const arrived = Promise.withResolvers<void>();
    door.answer = () => {
      arrived.resolve();
      return promise;
    };
    let answered = false;
    const sending = new DimseClient(remote).store([series[0]!]).then((statuses) => {
      answered = true;
      return statuses;
    });
    await arrived.promise;
    await new DimseClient(remote).echo();
    expect(answered).toBe(false);
    resolve({ kind: 'stored', sopInstanceUid: 'x' });
    expect(await sending).toEqual([0]);
  });

  it('is answered with what a PACS should do about it', async () => {
    const statusOf = async (answer: KeepingDoor['answer']) => {
      door.answer = answer;
      return (await new DimseClient(remote).store([series[0]!]))[0]!.toString(16);
    };
    const sopInstanceUid = 'x';
    expect(await statusOf(async () => ({ kind: 'duplicate', sopInstanceUid }))).toBe('0');
    const refused = { kind: 'refused', code: 'archive.test', message: 'No.', quarantineId: '1' } as const;
    expect(await statusOf(async () => refused)).toBe('b007');
    expect(await statusOf(async () => ({ ...refused, quarantineId: undefined }))).toBe('124');
    expect(await statusOf(() => Promise.reject(new ArchiveError('archive.disk-full', 'Full.')))).toBe('a700');
    expect(await statusOf(() => Promise.reject(new TypeError('bug')))).toBe('110');
    const large = exampleSeries({ slices: 1 })[0]!;
    const grown = Buffer.concat([
      large,
      Buffer.from([0xfc, 0xff, 0xfc, 0xff]),
      Buffer.from('OB\0\0'),
      Buffer.from([0, 0, 0x20, 0]),
      Buffer.alloc(0x200000),
    ]);
    expect((await new DimseClient(remote).store([grown])).map((status) => status.toString(16))).toEqual(['c000']);
  });
});

describe('the door of the association', () => {
  it.each([
    ['an unknown calling AE title', { callingAeTitle: 'STRANGER' }, 3],
    ['a known one from another address', { callingAeTitle: 'ELSEWHERE' }, 3],
    ['another called AE title', { aeTitle: 'ANOTHER' }, 7],
  ])('is shut to %s', async (_name, change, reason) => {
    const client = new DimseClient({ ...remote, ...change });
    expect(await codeOf(client.echo())).toBe('archive.dimse-rejected');
    expect(events).toMatchObject([{ kind: 'rejected', rejection: { result: 1, source: 1, reason } }]);
  });

  it('is shut, for now, to more associations than are allowed', async () => {
    const contexts = [{ abstractSyntax: verificationClass, transferSyntaxes: [implicitLittleEndian] }];
    const open = await Promise.all([1, 2, 3].map(() => openAssociation(remote, { contexts })));
    expect(await codeOf(new DimseClient(remote).echo())).toBe('archive.dimse-rejected');
    expect(events.at(-1)).toMatchObject({ kind: 'rejected', rejection: { result: 2, source: 3, reason: 2 } });
    await Promise.all(open.map((association) => association.release()));
    await vi.waitFor(() => new DimseClient(remote).echo());
  });

  it('agrees to storage classes, retired ones too, in the sender’s first transfer syntax, and to nothing else', async () => {
    const offer = (abstractSyntax: string, ...transferSyntaxes: string[]) => ({ abstractSyntax, transferSyntaxes });
    const [ct, retired, query, ownClass] = ['1.1.2', '1.1.3', '1.2.2.1', '1.1.201.2'].map(
      (end) => `1.2.840.10008.5.1.4.${end}`,
    );
    const jpeg2000 = '1.2.840.10008.1.2.4.90';
    const association = await openAssociation(remote, {
      contexts: [
        offer(ct!, '1.2.3', jpeg2000, explicitLittleEndian),
        offer(retired!, implicitLittleEndian),
        offer(query!, implicitLittleEndian),
        offer(ownClass!, implicitLittleEndian),
        offer('1.3.46.670589.11', implicitLittleEndian),
        offer(ct!, '1.2.3'),
      ],
    });
    expect(association.contexts).toEqual([
      { id: 1, abstractSyntax: ct, transferSyntax: jpeg2000 },
      { id: 3, abstractSyntax: retired, transferSyntax: implicitLittleEndian },
    ]);
    await association.release();
  });

  it('hears only few strangers at once', async () => {
    await using closed = startServer({
      peers: [{ name: 'elsewhere', aeTitle: 'ELSEWHERE', addresses: ['192.0.2.7'] }],
    });
    const port = await closed.listen({ host: '127.0.0.1', port: 0 });
    const waiting = Array.from({ length: 8 }, () => connect(port, '127.0.0.1'));
    await Promise.all(waiting.map((socket) => once(socket, 'connect')));
    await expect(once(connect(port, '127.0.0.1').resume(), 'close')).resolves.toBeDefined();
    expect(waiting.some((socket) => socket.closed)).toBe(false);
    for (const socket of waiting) socket.destroy();
    const code = async () =>
      expect(await codeOf(new DimseClient({ ...remote, port }).echo())).toBe('archive.dimse-rejected');
    await vi.waitFor(code);
  });

  it.skipIf(!hasDcmtk)('tells echoscu why it is shut', async () => {
    const args = ['127.0.0.1', String(remote.port)];
    expect((await dcmtk('echoscu', ['-aet', 'SCANNER', '-aec', 'CONSILIUM', ...args])).code).toBe(0);
    const { output } = await dcmtk('echoscu', ['-aet', 'STRANGER', '-aec', 'CONSILIUM', ...args]);
    expect(output).toContain('Calling AE Title Not Recognized');
  });
});

describe('an association that breaks', () => {
  it('leaves nothing of an instance that was half there', async () => {
    const transcript = storeTranscript(series[0]!);
    const socket = connect(remote.port, '127.0.0.1');
    socket.write(transcript.subarray(0, transcript.length - 100));
    await vi.waitFor(() => expect(events).toMatchObject([{ kind: 'opened' }]));
    socket.resetAndDestroy();
    await vi.waitFor(() =>
      expect(events.at(-1)).toMatchObject({ kind: 'broken', error: { code: 'archive.dimse-closed' } }),
    );
    expect(door.files).toEqual([]);
  });

  it('by silence is let go', async () => {
    // Of its own: where the machine is busy, others are silent for as long.
    await using impatient = startServer({ idleMs: 200 });
    const transcript = storeTranscript(series[0]!);
    const socket = connect(await impatient.listen({ host: '127.0.0.1', port: 0 }), '127.0.0.1');
    socket.write(transcript.subarray(0, transcript.length - 100));
    await once(socket.resume(), 'close');
    expect(events.at(-1)).toMatchObject({ kind: 'broken', error: { code: 'archive.dimse-silent' } });
  });

  it('by an abort ends there', async () => {
    const socket = connect(remote.port, '127.0.0.1');
    socket.end(
      Buffer.concat([storeTranscript(series[0]!).subarray(0, 400), Buffer.from([7, 0, 0, 0, 0, 4, 0, 0, 0, 0])]),
    );
    await once(socket.resume(), 'close');
    expect(events.at(-1)).toMatchObject({ kind: 'broken' });
    expect(door.files).toEqual([]);
  });

  it('at any byte harms nobody else', async () => {
    const transcript = storeTranscript(exampleSeries({ slices: 1 })[0]!);
    const cuts = Array.from({ length: Math.ceil(transcript.length / 13) }, (_, index) => index * 13);
    for (const cut of cuts) await sendAll(remote.port, transcript.subarray(0, cut));
    expect(door.files.length).toBeLessThanOrEqual(cuts.filter((cut) => transcript.length - cut <= 10).length);
    await new DimseClient(remote).echo();
  }, 60_000);

  it('by damage is closed, and no length it states is believed', async () => {
    const transcript = storeTranscript(exampleSeries({ slices: 1 })[0]!);
    const damage = fc.array(fc.tuple(fc.nat(transcript.length - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const damaged = Buffer.from(transcript);
        // Twice as often in the heads of PDUs and items, which come first.
        for (const [at, value] of changes) damaged[value % 2 === 0 ? at : at % 400] = value;
        await sendAll(remote.port, damaged);
      }),
      { numRuns: 150 },
    );
    const codes = events.flatMap((event) => (event.kind === 'broken' ? [event.error.code] : []));
    expect(new Set(codes)).not.toContain('archive.dimse-fault');
    expect(codes).toContain('archive.dimse-protocol');
    await new DimseClient(remote).echo();
  });

  it('by a fault of the archive says so', async () => {
    const faulty = startServer({
      report: (event) => {
        events.push(event);
        if (event.kind === 'opened') throw new TypeError('bug');
      },
    });
    const port = await faulty.listen({ host: '127.0.0.1', port: 0 });
    expect(await codeOf(new DimseClient({ ...remote, port }).echo())).toBe('archive.dimse-aborted');
    expect(events.at(-1)).toMatchObject({ kind: 'broken', error: { code: 'archive.dimse-fault' } });
    await faulty.close();
  });
});

describe('the server', () => {
  it('says so when its port is taken', async () => {
    expect(await codeOf(startServer().listen({ host: '127.0.0.1', port: remote.port }))).toBe('archive.dimse-port');
  });

  it('lets what is being stored become durable when it closes', async () => {
    const own = startServer();
    const port = await own.listen({ host: '127.0.0.1', port: 0 });
    const { promise, resolve } = Promise.withResolvers<Admission>();
    const arrived = Promise.withResolvers<void>();
    door.answer = () => {
      arrived.resolve();
      return promise;
    };
    const sending = new DimseClient({ ...remote, port }).store(series.slice(0, 2));
    await arrived.promise;
    let closed = false;
    const closing = own.close().then(() => {
      closed = true;
    });
    await new DimseClient(remote).echo();
    expect(closed).toBe(false);
    resolve({ kind: 'stored', sopInstanceUid: 'x' });
    // The first is answered; before the second is, the association is aborted.
    expect(await codeOf(sending)).toMatch(/^archive\.dimse-(?:aborted|closed)$/);
    await closing;
  });
});

describe('over TLS', () => {
  let certificates: Certificates;
  let tlsServer: StorageServer;
  let tlsRemote: DimseRemote;
  beforeAll(async () => {
    certificates = makeCertificates(mkdtempSync(join(tmpdir(), 'consilium-tls-')));
    const { authority, client, server: own } = certificates;
    tlsServer = startServer({ tls: { ...own, authority } });
    const port = await tlsServer.listen({ host: '127.0.0.1', port: 0 });
    tlsRemote = { ...remote, port, tls: { authority, ...client } };
  });
  afterAll(async () => {
    await tlsServer.close();
    rmSync(certificates.directory, { recursive: true });
  });

  it('takes from clients with a certificate, and from no others', async () => {
    await new DimseClient(tlsRemote).echo();
    const bare = { ...tlsRemote, tls: { authority: certificates.authority } };
    expect(await codeOf(new DimseClient(bare).echo())).toMatch(/^archive\.dimse-(?:closed|unreachable)$/);
    expect(await codeOf(new DimseClient({ ...tlsRemote, tls: undefined }).echo())).toBe('archive.dimse-closed');
  });

  it('does not send to a server whose certificate it does not know', async () => {
    const other = { ...tlsRemote, tls: {} };
    expect(await codeOf(new DimseClient(other).echo())).toBe('archive.dimse-unreachable');
  });

  it.skipIf(!hasDcmtk)('takes from storescu', async () => {
    const path = join(certificates.directory, 'ct.dcm');
    writeFileSync(path, series[0]!);
    const inDirectory = (name: string) => join(certificates.directory, name);
    const tls = ['+tls', inDirectory('client.key'), inDirectory('client.pem'), '+cf', inDirectory('authority.pem')];
    const args = ['-aet', 'SCANNER', '-aec', 'CONSILIUM', '127.0.0.1', String(tlsRemote.port), path];
    expect(await dcmtk('storescu', [...tls, ...args])).toMatchObject({ code: 0 });
    expect(door.files.map(({ bytes }) => dataSetBytes(bytes))).toEqual([dataSetBytes(series[0]!)]);
  });
});

/** Files without meta information have no transfer syntax to send them in. */
function sopOf(bytes: Uint8Array): string | undefined {
  try {
    return parsePart10(bytes).meta?.text('MediaStorageSOPClassUID');
  } catch {
    return undefined;
  }
}

/** Everything that a sender of one instance writes. */
function storeTranscript(file: Uint8Array, sizes: readonly number[] = [400]): Buffer {
  const data = dataSetBytes(file);
  const abstractSyntax = '1.2.840.10008.5.1.4.1.1.2';
  const command = encodeCommandSet(
    {
      commandField: commandFields.storeRequest,
      affectedSopClassUid: abstractSyntax,
      affectedSopInstanceUid: '1.2.3',
      messageId: 1,
      priority: 0,
    },
    { dataSet: true },
  );
  const fragment = (bytes: Buffer, isCommand: boolean, last: boolean) => [
    dataPduHead({ contextId: 1, command: isCommand, last, bytes: bytes.length }),
    bytes,
  ];
  const fragments: Buffer[] = [];
  for (let at = 0, index = 0; at < data.length; index++) {
    const bytes = data.subarray(at, at + sizes[index % sizes.length]!);
    at += bytes.length;
    fragments.push(...fragment(bytes, false, at === data.length));
  }
  return Buffer.concat([
    encodeAssociateRequest({
      ...{ calledAeTitle: 'CONSILIUM', callingAeTitle: 'SCANNER', pduBytesMax: 16_384, roles: [] },
      contexts: [{ id: 1, abstractSyntax, transferSyntaxes: [explicitLittleEndian] }],
    }),
    ...fragment(command, true, true),
    ...fragments,
    encodeReleaseRequest(),
  ]);
}

/** Sends, ends, and waits until the other side has closed. */
async function sendAll(port: number, bytes: Uint8Array): Promise<void> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.end(bytes);
  await new Promise((settle) => socket.once('close', settle));
}
