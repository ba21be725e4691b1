/**
 * Takes in what scanners and PACS send: Verification and Storage as a provider (PS3.4 annexes A and B), over TCP or TLS.
 * Nobody is let in who is not in the list of peers; nothing is acknowledged before the door says that it is durable.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Door } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';
import { ByteBudget } from './byte-budget.ts';
import { type Peer, PeerList } from './peer.ts';
import type { StoragePolicy } from './sop-classes.ts';
import { type StorageEvent, StorageSession } from './storage-session.ts';

/** PEM texts. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly key: string;
  /** Whose certificates are believed. */
  readonly authority?: string | undefined;
}

export interface StorageServerOptions {
  readonly aeTitle: string;
  readonly peers: readonly Peer[];
  readonly door: Door;
  /** With `authority`, only clients with a certificate of it are let in (mutual TLS). */
  readonly tls?: TlsIdentity | undefined;
  readonly storage?: StoragePolicy;
  readonly associationsMax?: number;
  readonly idleMs?: number;
  readonly requestMs?: number;
  readonly instanceBytesMax?: number;
  /** Of instances that are being received, over all associations; one instance more where only that one goes on. */
  readonly receivedBytesMax?: number;
  readonly report?: (event: StorageEvent) => void;
}

/** Connections from addresses that no peer has: enough to be told why they are refused. */
const strangersMax = 8;

export class StorageServer implements AsyncDisposable {
  readonly #options: StorageServerOptions;
  readonly #server: Server;
  readonly #peers: PeerList;
  readonly #budget: ByteBudget;
  readonly #sessions = new Map<StorageSession, Promise<void>>();
  /** All connections, also those that are not through their TLS handshake. */
  readonly #sockets = new Set<Socket>();
  /** Those from addresses that no peer has. */
  readonly #strangers = new Set<Socket>();

  constructor(options: StorageServerOptions) {
    this.#options = options;
    this.#peers = new PeerList(options.peers);
    this.#budget = new ByteBudget({ bytesMax: options.receivedBytesMax ?? 512 * 2 ** 20 });
    const { tls } = options;
    if (tls === undefined) {
      this.#server = createServer({ noDelay: true }, (socket) => this.#take(socket));
    } else {
      const { authority: ca, certificate: cert, key } = tls;
      const client = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
      this.#server = createTlsServer(
        { cert, key, ...client, minVersion: 'TLSv1.2', handshakeTimeout: options.requestMs ?? 30_000, noDelay: true },
        (socket: TLSSocket) => this.#take(socket),
      );
      // A handshake that failed is nothing but a connection that was not made.
      this.#server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    }
    // Before anything else, so that strangers cannot hold the places of peers, not even by half a TLS handshake.
    this.#server.prependListener('connection', (socket: Socket) => this.#note(socket));
    this.#server.maxConnections = (options.associationsMax ?? 32) + 2 * strangersMax;
  }

  /** @returns the port. @throws ArchiveError `archive.dimse-port` */
  async listen({ host, port }: { host: string; port: number }): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = 'The port for DICOM cannot be listened on.';
        reject(new ArchiveError('archive.dimse-port', message, { detail: `${host}:${port}`, cause }));
      });
      this.#server.listen(port, host, () => resolve());
    });
    // A connection that could not be accepted, for want of file descriptors say, is no reason to end.
    this.#server.on('error', () => {});
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Lets instances that are being stored become durable; associations are aborted after that. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const session of this.#sessions.keys()) session.close();
    await Promise.all(this.#sessions.values());
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(socket: Socket): void {
    const { associationsMax = 32, aeTitle, door } = this.#options;
    if (socket.destroyed) return;
    const session = new StorageSession(socket, {
      aeTitle,
      door,
      peers: this.#peers,
      storage: this.#options.storage ?? { retired: true, private: [] },
      idleMs: this.#options.idleMs ?? 60_000,
      requestMs: this.#options.requestMs ?? 30_000,
      instanceBytesMax: this.#options.instanceBytesMax ?? 2 ** 31,
      budget: this.#budget,
      hasRoom: () => this.#sessions.size <= associationsMax + this.#strangers.size,
      report: this.#options.report ?? (() => {}),
    });
    const done = session.run().finally(() => this.#sessions.delete(session));
    this.#sessions.set(session, done);
  }

  #note(socket: Socket): void {
    this.#sockets.add(socket);
    if (!this.#peers.knowsAddress(socket.remoteAddress ?? '')) this.#strangers.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#strangers.delete(socket);
    });
    if (this.#strangers.has(socket) && this.#strangers.size > strangersMax) socket.destroy();
  }
}
