/**
 * Stands between a site and its coordinator and hears all that the site says, in the clear: it ends the site's TLS with a
 * certificate of the project's authority, and goes on to the coordinator with the site's own key.
 */
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { type CertificateAuthority, type Credentials, createCertificateRequest } from '@consilium/transport';

const host = '127.0.0.1';

export interface TappingProxyOptions {
  readonly authority: CertificateAuthority;
  /** Of the coordinator. */
  readonly port: number;
  /** Of the site, as they are now. */
  readonly credentials: () => Credentials;
}

export class TappingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #heard: Uint8Array[] = [];
  readonly #sockets = new Set<TLSSocket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ authority, port, credentials }: TappingProxyOptions): Promise<TappingProxy> {
    const { key, request } = await createCertificateRequest();
    const certificate = await authority.issueServer({ request, hosts: [host] });
    const ca = authority.certificate;
    const cert = `${certificate.trim()}\n${ca}`;
    const options = { key, cert, ca, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true } as const;
    const server = createServer(options, (site) => {
      const own = credentials();
      const onward = connect({ host, port, ca, cert: own.certificate, key: own.key, minVersion: 'TLSv1.3' });
      tap.#join(site, onward);
    });
    const tap = new TappingProxy(server);
    await new Promise<void>((listening) => server.listen(0, host, listening));
    return tap;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** All that the site has sent since the last time this was asked. */
  take(): Buffer {
    return Buffer.concat(this.#heard.splice(0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }

  #join(site: TLSSocket, onward: TLSSocket): void {
    site.on('data', (part) => this.#heard.push(part));
    for (const [from, to] of [
      [site, onward],
      [onward, site],
    ] as const) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
