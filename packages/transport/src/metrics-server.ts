/**
 * Numbers about this process for Prometheus, in clear text and therefore for this machine only: `/metrics`, and
 * `/healthz`, which answers for as long as the process does.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TransportError } from './transport-error.ts';

export interface MetricsServerOptions {
  readonly port: number;
  /** Prometheus' text format. */
  readonly text: () => Promise<string>;
  /** What `/healthz` says. */
  readonly health: () => object;
  readonly onError?: (error: unknown) => void;
}

const host = '127.0.0.1';
const textType = 'text/plain; version=0.0.4; charset=utf-8';

export class MetricsServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws TransportError `transport.metrics-port-taken` */
  static async listen({ port, text, health, onError = () => {} }: MetricsServerOptions): Promise<MetricsServer> {
    const server = createServer(async ({ url, method }, response) => {
      const say = (status: number, type: string, body: string) =>
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
      try {
        if (method !== 'GET') return say(405, textType, 'GET only\n');
        if (url === '/metrics') return say(200, textType, await text());
        if (url === '/healthz') return say(200, 'application/json', `${JSON.stringify(health())}\n`);
        return say(404, textType, '/metrics or /healthz\n');
      } catch (error) {
        onError(error);
        return say(500, textType, 'failed; the log says why\n');
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(portTaken(port, cause)));
      server.listen(port, host, resolve);
    });
    return new MetricsServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function portTaken(port: number, cause: unknown): TransportError {
  const text = `Port ${port} of ${host} cannot be listened on: end what listens there, or choose another metricsPort.`;
  return new TransportError('transport.metrics-port-taken', text, { cause });
}
