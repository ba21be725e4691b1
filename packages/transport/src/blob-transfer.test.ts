import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobStore, getBlob, MemoryStore, putBlob } from '@consilium/federation';
import { type BlobId, chunkBytes } from '@consilium/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { ChunkDirectory } from './chunk-directory.ts';
import { CoordinatorClient, type CoordinatorClientOptions } from './coordinator-client.ts';
import { CoordinatorProcess } from './coordinator-process.fixture.ts';
import { createProject } from './project.fixture.ts';
import { TcpRelay } from './tcp-relay.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-transfer-'));
afterAll(() => rmSync(root, { recursive: true }));
let directories = 0;
const freshDirectory = () => join(root, `${++directories}`);
const never = new AbortController().signal;
const project = await createProject();
const serverCredentials = await project.server();
const credentials = await project.site('site-1');
const authority = project.authority.certificate;

const start = (directory: string, port = 0) =>
  CoordinatorProcess.start({ directory, authority, credentials: serverCredentials, port });
const clientTo = (port: number, options: Partial<CoordinatorClientOptions> = {}) =>
  new CoordinatorClient({ origin: `https://localhost:${port}`, authority, credentials, ...options });

/** Six chunks and a bit, none like another. */
const bytes = new Uint8Array(6 * chunkBytes + 100);
for (let at = 0; at < bytes.length; at += 4096) new DataView(bytes.buffer).setUint32(at, at);
const chunksOf = (asked: readonly string[], method: string) =>
  asked.filter((each) => each.startsWith(`${method} /v1/chunks/`));
const expectWhole = async (store: BlobStore, id: BlobId) =>
  expect(Buffer.compare(await getBlob(store, id), bytes)).toBe(0);

describe('a blob between a site and its coordinator', () => {
  it('arrives, and whatever of it is there is not sent again, in both directions', async () => {
    await using coordinator = await start(freshDirectory());
    const client = clientTo(coordinator.port);
    const source = new MemoryStore();
    const id = await putBlob(source, bytes);
    await client.offerBlob(id, source, never);
    expect(new Set(chunksOf((await coordinator.report()).asked, 'PUT')).size).toBe(7);
    await client.offerBlob(id, source, never);
    const other = await putBlob(source, Buffer.concat([bytes.subarray(0, 6 * chunkBytes), new Uint8Array(7)]));
    await client.offerBlob(other, source, never);
    expect(chunksOf((await coordinator.report()).asked, 'PUT')).toHaveLength(8);

    const target = await ChunkDirectory.open(freshDirectory());
    await target.putChunk(bytes.subarray(0, chunkBytes));
    await client.fetchBlob(id, target, never);
    await client.fetchBlob(id, target, never);
    await client.fetchBlob(other, target, never);
    expect(chunksOf((await coordinator.report()).asked, 'GET')).toHaveLength(7);
    await expectWhole(target, id);
    await client.close();
  });

  it('goes in one request if it is small', async () => {
    await using coordinator = await start(freshDirectory());
    const client = clientTo(coordinator.port);
    const source = new MemoryStore();
    const small = bytes.subarray(0, 1_000_000);
    const id = await putBlob(source, small);
    await client.offerBlob(id, source, never);
    expect((await coordinator.report()).asked.filter((each) => each.includes('/v1/'))).toEqual([`PUT /v1/blobs/${id}`]);
    const target = new MemoryStore();
    await client.fetchBlob(id, target, never);
    expect(Buffer.compare(await getBlob(target, id), small)).toBe(0);
    await client.close();
  });

  it.each(['up', 'down'])(
    'arrives %s over a line that is cut again and again in the middle of a chunk',
    async (way) => {
      const directory = freshDirectory();
      const local = new MemoryStore();
      const id = await putBlob(local, bytes);
      if (way === 'down') await putBlob(await ChunkDirectory.open(directory), bytes);
      await using coordinator = await start(directory);
      await using relay = await TcpRelay.start(coordinator.port);
      const codes: string[] = [];
      const onRetry = ({ code }: { code: string }) => {
        codes.push(code);
        relay.cutAtBytes = relay.cuts < 4 ? relay.bytes + 1.7 * chunkBytes : Number.POSITIVE_INFINITY;
      };
      relay.cutAtBytes = 1.5 * chunkBytes;
      const client = clientTo(relay.port, { onRetry, chunksAtOnce: 2 });
      const target = await ChunkDirectory.open(freshDirectory());
      if (way === 'up') await client.offerBlob(id, local, never);
      else await client.fetchBlob(id, target, never);
      expect(relay.cuts).toBe(4);
      expect(codes).toContain('transport.connection-lost');
      // At most what was under way at each cut travelled twice.
      expect(relay.bytes).toBeLessThan(bytes.length + 4 * 2.2 * chunkBytes);
      const { asked } = await coordinator.report();
      expect(chunksOf(asked, way === 'up' ? 'PUT' : 'GET').length).toBeLessThanOrEqual(7 + 4 * 2);
      if (way === 'down') await expectWhole(target, id);
      await client.close();
      await coordinator.kill();
      if (way === 'up') await expectWhole(await ChunkDirectory.open(directory), id);
    },
  );

  it.each(['up', 'down'])('arrives %s though the coordinator is killed in between', async (way) => {
    const directory = freshDirectory();
    const local = new MemoryStore();
    const id = await putBlob(local, bytes);
    if (way === 'down') await putBlob(await ChunkDirectory.open(directory), bytes);
    let coordinator = await start(directory);
    const { port } = coordinator;
    await using relay = await TcpRelay.start(port);
    const codes: string[] = [];
    const client = clientTo(relay.port, { onRetry: ({ code }) => codes.push(code), chunksAtOnce: 2 });
    const target = await ChunkDirectory.open(freshDirectory());
    const transfer = way === 'up' ? client.offerBlob(id, local, never) : client.fetchBlob(id, target, never);
    let lives = 1;
    for (const share of [0.3, 0.6]) {
      while (relay.bytes < share * bytes.length) await new Promise((resolve) => setTimeout(resolve, 1));
      await coordinator.kill();
      coordinator = await start(directory, port);
      lives++;
    }
    await transfer;
    await client.close();
    expect(lives).toBe(3);
    expect(codes.length).toBeGreaterThan(0);
    await coordinator.kill();
    await expectWhole(way === 'up' ? await ChunkDirectory.open(directory) : target, id);
  });

  it('goes on after a wire that swallows everything, within the idle limit', async () => {
    await using coordinator = await start(freshDirectory());
    await using relay = await TcpRelay.start(coordinator.port);
    const codes: string[] = [];
    const onRetry = ({ code }: { code: string }) => {
      codes.push(code);
      relay.isStalled = false;
    };
    const client = clientTo(relay.port, { onRetry, idleMs: 1000 });
    const source = new MemoryStore();
    const id = await putBlob(source, bytes);
    const transfer = client.offerBlob(id, source, never);
    while (relay.bytes < 2 * chunkBytes) await new Promise((resolve) => setTimeout(resolve, 1));
    relay.isStalled = true;
    await transfer;
    expect(codes).toContain('transport.silent');
    await client.close();
  });

  it('is given up by the signal, and by the coordinator saying no', async () => {
    await using coordinator = await start(freshDirectory());
    const client = clientTo(coordinator.port);
    const store = new MemoryStore();
    await expect(client.fetchBlob('0'.repeat(64) as BlobId, store, never)).rejects.toMatchObject({
      name: 'Refusal',
      code: 'transport.blob-missing',
    });
    await coordinator.kill();
    const id = await putBlob(store, bytes.subarray(0, 10));
    await expect(client.offerBlob(id, store, AbortSignal.timeout(700))).rejects.toMatchObject({ name: 'TimeoutError' });
    await client.close();
  });

  it('is given up when the own disk is full', async () => {
    const directory = freshDirectory();
    const id = await putBlob(await ChunkDirectory.open(directory), bytes);
    await using coordinator = await start(directory);
    const client = clientTo(coordinator.port);
    const full = new MemoryStore();
    full.putChunk = () => Promise.reject(new Error('full'));
    await expect(client.fetchBlob(id, full, never)).rejects.toThrow('full');
    await client.close();
  });
});
