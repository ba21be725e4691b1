import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { blobIdOf, chunkIdOf, getBlob, MemoryStore, putBlob } from '@consilium/federation';
import { type ChunkId, chunkBytes, type Manifest } from '@consilium/protocol';
import { fastify } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { type BlobRoutesOptions, blobRoutes } from './blob-routes.ts';
import { Refusal } from './refusal.ts';

const text = (content: string) => new TextEncoder().encode(content);
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(options: Partial<BlobRoutesOptions> = {}) {
  const store = new MemoryStore();
  const app = fastify({ forceCloseConnections: true });
  await app.register(blobRoutes, { store, authorise: () => {}, ...options });
  await app.listen({ host: '127.0.0.1', port: 0 });
  closing.push(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const ask = async (method: string, path: string, body?: Uint8Array | object, type = 'application/octet-stream') => {
    const isBytes = body instanceof Uint8Array;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
      headers: body === undefined ? {} : { 'content-type': isBytes ? type : 'application/json' },
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const isJson = answer.headers.get('content-type')?.startsWith('application/json');
    return { status: answer.status, bytes, body: isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined };
  };
  return { store, ask, port };
}

describe('the routes of blobs', () => {
  it('take a blob of which they say what is missing, and give it back', async () => {
    const { store, ask } = await serve();
    const bytes = new Uint8Array(chunkBytes + 3).fill(7);
    const source = new MemoryStore();
    const id = await putBlob(source, bytes);
    const manifest = (await source.getManifest(id))!;
    await store.putChunk(bytes.subarray(0, chunkBytes));
    expect((await ask('GET', `/v1/blobs/${id}`)).body.code).toBe('transport.blob-missing');
    expect((await ask('PUT', `/v1/blobs/${id}`, manifest)).body).toEqual({ missing: [1] });
    expect((await ask('PUT', `/v1/chunks/${manifest.chunks[1]}`, bytes.subarray(chunkBytes))).status).toBe(204);
    expect(await store.getManifest(id)).toBeUndefined();
    expect((await ask('PUT', `/v1/blobs/${id}`, manifest)).body).toEqual({ complete: true });
    expect(Buffer.compare(await getBlob(store, id), bytes)).toBe(0);
    expect((await ask('GET', `/v1/blobs/${id}`)).body).toEqual(manifest);
    expect(Buffer.compare((await ask('GET', `/v1/chunks/${manifest.chunks[0]}`)).bytes, bytes.subarray(3))).toBe(0);
  });

  it('take a blob that is one chunk as its bytes, and no other by its name', async () => {
    const { store, ask } = await serve({ blobBytesMax: 3 * chunkBytes });
    const bytes = text('one chunk');
    const id = blobIdOf({ bytes: bytes.length, chunks: [chunkIdOf(bytes)] });
    const path = `/v1/blobs/${id}`;
    for (const wrong of [text('one chunK'), text('one chunk, and more'), text('')]) {
      expect(await ask('PUT', path, wrong)).toMatchObject({ status: 400, body: { code: 'transport.hash-mismatch' } });
      expect(await store.hasChunk(chunkIdOf(wrong))).toBe(false);
    }
    const large = await ask('PUT', path, new Uint8Array(chunkBytes + 1));
    expect(large).toMatchObject({ status: 413, body: { code: 'transport.body-too-large' } });
    expect(await store.getManifest(id)).toBeUndefined();
    for (let again = 0; again < 2; again++) expect((await ask('PUT', path, bytes)).status).toBe(204);
    expect(await getBlob(store, id)).toEqual(bytes);
  });

  it('tell of every chunk that comes and is kept, and of no other', async () => {
    const told: string[] = [];
    const onChunk = (id: ChunkId, bytes: Uint8Array) => told.push(`${id} ${new TextDecoder().decode(bytes)}`);
    const { ask } = await serve({ onChunk });
    const [whole, part] = [text('whole'), text('part')].map((bytes) => ({ bytes, id: chunkIdOf(bytes) }));
    const blob = blobIdOf({ bytes: whole!.bytes.length, chunks: [whole!.id] });
    for (const bytes of [text('whale'), whole!.bytes]) await ask('PUT', `/v1/blobs/${blob}`, bytes);
    for (const bytes of [text('past'), part!.bytes]) await ask('PUT', `/v1/chunks/${part!.id}`, bytes);
    expect(told).toEqual([`${whole!.id} whole`, `${part!.id} part`]);
  });

  it('refuse by a code whatever is not as it should be, and store nothing of it', async () => {
    const { store, ask } = await serve({ blobBytesMax: 3 * chunkBytes });
    const chunk = chunkIdOf(text('abc'));
    const manifest: Manifest = { bytes: 3, chunks: [chunk] };
    const lying: Manifest = { bytes: 4, chunks: [chunk] };
    const large: Manifest = { bytes: 4 * chunkBytes, chunks: [chunk, chunk, chunk, chunk] };
    const refusals: [Awaited<ReturnType<typeof ask>>, number, string][] = [
      [await ask('PUT', `/v1/chunks/${chunk}`, text('abd')), 400, 'transport.hash-mismatch'],
      [await ask('PUT', `/v1/chunks/${chunk}`, text('abcd')), 400, 'transport.hash-mismatch'],
      [await ask('PUT', `/v1/chunks/${chunk}`, new Uint8Array(chunkBytes + 1)), 413, 'transport.body-too-large'],
      [await ask('PUT', `/v1/chunks/${chunk}`, text('abc'), 'image/png'), 415, 'transport.request-malformed'],
      [await ask('PUT', `/v1/chunks/${chunk}`, { abc: 1 }), 415, 'transport.request-malformed'],
      [await ask('PUT', '/v1/chunks/..%2Fetc', text('abc')), 400, 'transport.request-malformed'],
      [await ask('GET', `/v1/chunks/${chunk}`), 404, 'transport.chunk-missing'],
      [await ask('GET', '/v1/chunks/abc'), 400, 'transport.request-malformed'],
      [await ask('PUT', `/v1/blobs/${blobIdOf(lying)}`, manifest), 400, 'transport.hash-mismatch'],
      [await ask('PUT', `/v1/blobs/${blobIdOf(manifest)}`, { bytes: 3 }), 400, 'transport.request-malformed'],
      [
        await ask('PUT', `/v1/blobs/${blobIdOf(manifest)}`, { bytes: 3, chunks: [] }),
        400,
        'transport.request-malformed',
      ],
      [
        await ask('PUT', `/v1/blobs/${blobIdOf(manifest)}`, text('{}'), 'application/json'),
        400,
        'transport.request-malformed',
      ],
      [
        await ask('PUT', `/v1/blobs/${blobIdOf(manifest)}`, text('{'), 'application/json'),
        400,
        'transport.request-malformed',
      ],
      [await ask('PUT', `/v1/blobs/${blobIdOf(large)}`, large), 413, 'transport.body-too-large'],
    ];
    for (const [answer, status, code] of refusals) {
      expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(/./) } });
    }
    expect(await store.hasChunk(chunk)).toBe(false);
    expect(await store.getManifest(blobIdOf(manifest))).toBeUndefined();
  });

  it('store nothing of a chunk that was cut short', async () => {
    const { store, ask, port } = await serve();
    const bytes = new Uint8Array(1_000_000).fill(3);
    const id = chunkIdOf(bytes);
    await new Promise<void>((resolve) => {
      const headers = { 'content-type': 'application/octet-stream', 'content-length': bytes.length };
      const request = httpRequest({ port, path: `/v1/chunks/${id}`, method: 'PUT', headers });
      request.on('error', () => resolve());
      request.write(bytes.subarray(0, 500_000), () => setTimeout(() => request.destroy(new Error('cut')), 50));
    });
    expect(await store.hasChunk(id)).toBe(false);
    expect((await ask('PUT', `/v1/chunks/${id}`, bytes)).status).toBe(204);
  });

  it('ask the caller about every request, before they look at it', async () => {
    const { store, ask } = await serve({
      authorise: (request) => {
        throw new Refusal(403, 'coordinator.not-yours', `No ${request.method} for you.`);
      },
    });
    const id = await putBlob(store, text('abc'));
    const { chunks } = (await store.getManifest(id))!;
    const answers = [
      await ask('GET', `/v1/blobs/${id}`),
      await ask('PUT', `/v1/blobs/${id}`, text('{'), 'application/json'),
      await ask('GET', `/v1/chunks/${chunks[0]}`),
      await ask('PUT', `/v1/chunks/${'0'.repeat(64)}`, text('abc')),
    ];
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 403, body: { code: 'coordinator.not-yours' } });
  });

  it('say nothing of their own disk when it fails', async () => {
    const store = new MemoryStore();
    store.getManifest = () => Promise.reject(new Error('EIO: /srv/secret'));
    const answer = await (await serve({ store })).ask('GET', `/v1/blobs/${'0'.repeat(64)}`);
    expect(answer).toMatchObject({ status: 500, body: { code: 'transport.other-side-failed' } });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });

  it('read a chunk once for all who ask for it at a time, and hold no more chunks than they may', async () => {
    let reads = 0;
    let held = 0;
    let heldMax = 0;
    const store = new MemoryStore();
    const chunks = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((name) => store.putChunk(text(name.repeat(200_000)))),
    );
    const getChunk = store.getChunk.bind(store);
    store.getChunk = async (id: ChunkId) => {
      reads++;
      heldMax = Math.max(heldMax, ++held);
      const bytes = await getChunk(id);
      await new Promise((resolve) => setTimeout(resolve, 30));
      held--;
      return bytes;
    };
    const { ask } = await serve({ store, chunksInMemoryMax: 2 });
    const asked = [...chunks, ...chunks, ...chunks].sort();
    const answers = await Promise.all(asked.map((chunk) => ask('GET', `/v1/chunks/${chunk}`)));
    expect(answers.map(({ bytes }) => chunkIdOf(bytes))).toEqual(asked);
    expect(heldMax).toBe(2);
    expect(reads).toBeLessThan(asked.length);
    expect((await ask('GET', `/v1/chunks/${'0'.repeat(64)}`)).status).toBe(404);
    expect((await ask('GET', `/v1/chunks/${chunks[0]}`)).status).toBe(200);
  });
});
