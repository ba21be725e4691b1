/** How a site reaches its coordinator over a simulated link: the messages are parsed at both ends as in production. */
import {
  type BlobId,
  type ChunkId,
  type CoordinatorMessage,
  type Hello,
  type Manifest,
  parseCoordinatorMessage,
  parseHello,
  parseSiteMessage,
  parseVerdict,
  protocolVersion,
  type SiteId,
  type SiteMessage,
  type Verdict,
} from '@consilium/protocol';
import { manifestOf } from '../blob.ts';
import type { FiniteChunks } from '../finite-chunks.ts';
import type { CoordinatorPort } from '../site-agent.ts';
import type { LineConnection, SiteLine } from '../site-line.ts';
import type { BlobStore } from '../store.ts';
import type { Exchange } from './exchange.ts';
import { Inbox } from './inbox.ts';
import { RemoteError } from './remote-error.ts';
import type { Call, Server, SimulatedLink } from './simulated-link.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** One life of the coordinator, as the network sees it. */
export interface CoordinatorServer extends Server {
  readonly store: BlobStore;
  readonly finiteChunks: FiniteChunks;
  lineOf(siteId: SiteId): SiteLine;
  /** Told of what is answered to a site, before it leaves. */
  readonly onVerdict?: (siteId: SiteId, message: SiteMessage, verdict: Verdict) => Promise<void>;
}

export interface SimulatedPortOptions {
  readonly siteId: SiteId;
  readonly link: SimulatedLink<CoordinatorServer>;
  /** The site's process. */
  readonly process: SimulatedProcess;
  /** The site's. */
  readonly store: BlobStore;
}

const retryMs = 2000;

export class SimulatedPort implements CoordinatorPort {
  readonly #options: SimulatedPortOptions;

  constructor(options: SimulatedPortOptions) {
    this.#options = options;
  }

  openLine(hello: Hello, signal: AbortSignal): AsyncIterable<CoordinatorMessage> {
    const { link, process } = this.#options;
    const inbox = new Inbox<CoordinatorMessage>();
    if (!process.isAlive) return inbox;
    const exchange = link.open();
    const onAbort = () => link.closeEnd(exchange, 'site');
    exchange.onClosed('site', (error) => {
      signal.removeEventListener('abort', onAbort);
      process.enter(() => inbox.end(error ?? undefined));
    });
    signal.addEventListener('abort', onAbort, { once: true });
    const text = JSON.stringify(hello);
    link.send(exchange, 'up', { bytes: text.length, inOrder: true }, () => this.#accept(exchange, text, inbox));
    return inbox;
  }

  /** At the coordinator. */
  #accept(exchange: Exchange, hello: string, inbox: Inbox<CoordinatorMessage>): void {
    const { link, siteId } = this.#options;
    const server = link.server;
    if (server === null) {
      link.closeEnd(exchange, 'coordinator', new RemoteError('network.refused', 'Nobody listens there.'));
      return;
    }
    server.process.enter(() => {
      const line = server.lineOf(siteId);
      const connection: LineConnection = {
        send: (message) => this.#push(exchange, message, inbox),
        end: () => link.closeEnd(exchange, 'coordinator'),
      };
      exchange.onClosed('coordinator', () => server.process.enter(() => line.disconnected(connection)));
      connection.send({ kind: 'welcome', protocolVersion, coordinatorTime: '2026-01-01T00:00:00Z' });
      line.connected(parseHello(JSON.parse(hello)), connection).catch(connection.end);
    });
  }

  #push(exchange: Exchange, message: CoordinatorMessage, inbox: Inbox<CoordinatorMessage>): void {
    const { link, process } = this.#options;
    const text = JSON.stringify(message);
    link.send(exchange, 'down', { bytes: text.length, inOrder: true }, () =>
      process.enter(() => inbox.put(parseCoordinatorMessage(JSON.parse(text)))),
    );
  }

  async send(message: SiteMessage, signal: AbortSignal): Promise<Verdict> {
    const { siteId } = this.#options;
    const text = JSON.stringify(message);
    const answer = await this.#request(
      {
        bytes: text.length,
        handle: async (server) => {
          const received = parseSiteMessage(JSON.parse(text));
          const verdict = await server.lineOf(siteId).receive(received);
          await server.onVerdict?.(siteId, received, verdict);
          return JSON.stringify(verdict);
        },
      },
      signal,
    );
    return parseVerdict(JSON.parse(answer));
  }

  fetchBlob(id: BlobId, signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    return this.#persist(signal, async () => {
      if ((await store.getManifest(id)) !== undefined) return;
      const manifest = await this.#request(
        { bytes: 100, handle: async (server) => structuredClone(await manifestOf(server.store, id)) },
        signal,
      );
      for (const chunk of manifest.chunks) {
        if (!(await store.hasChunk(chunk)))
          await store.putChunk(await this.#fetchChunk(chunk, signal), (id) => id === chunk);
      }
      await store.putManifest(manifest);
    });
  }

  offerBlob(id: BlobId, signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    return this.#persist(signal, async () => {
      const manifest = structuredClone(await manifestOf(store, id));
      const lacking = await this.#request({ bytes: 100, handle: (server) => lackingChunks(server, manifest) }, signal);
      for (const chunk of lacking) {
        const bytes = await store.getChunk(chunk);
        await this.#request(
          {
            bytes: bytes.length,
            handle: (server) => keepChunk(server, chunk, Uint8Array.from(bytes)),
          },
          signal,
        );
      }
      const isWhole = await this.#request({ bytes: 100, handle: (server) => concludes(server, manifest) }, signal);
      // A chunk that was there is gone since, with another blob that had it.
      if (!isWhole) throw new RemoteError('network.again', 'Chunks are missing.');
    });
  }

  #fetchChunk(chunk: ChunkId, signal: AbortSignal): Promise<Uint8Array> {
    return this.#request(
      { bytes: 100, handle: ({ store }) => store.getChunk(chunk), answerBytes: (bytes) => bytes.length },
      signal,
    );
  }

  #request<T>(call: Call<CoordinatorServer, T>, signal: AbortSignal): Promise<T> {
    return this.#options.link.request(this.#options.process, call, signal);
  }

  /** Goes on through broken connections. */
  async #persist(signal: AbortSignal, transfer: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await transfer();
      } catch (error) {
        if (signal.aborted || !(error instanceof RemoteError) || !error.isOfTheNetwork) throw error;
        await this.#options.process.clock.sleep(retryMs, signal);
        signal.throwIfAborted();
      }
    }
  }
}

/** As the routes of blobs do. */
async function keepChunk({ finiteChunks, store }: CoordinatorServer, chunk: ChunkId, bytes: Uint8Array): Promise<void> {
  const isWanted = (id: ChunkId): boolean => id === chunk;
  if (isWanted(await store.putChunk(bytes, isWanted))) finiteChunks.note(chunk, bytes);
}

async function concludes({ store }: CoordinatorServer, manifest: Manifest): Promise<boolean> {
  try {
    await store.putManifest(manifest);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'federation.chunk-missing') return false;
    throw error;
  }
}

async function lackingChunks({ store }: CoordinatorServer, { chunks }: Manifest): Promise<ChunkId[]> {
  const lacking: ChunkId[] = [];
  for (const chunk of chunks) if (!(await store.hasChunk(chunk))) lacking.push(chunk);
  return lacking;
}
