/** Who looks on at a coordinator's work: its log, its metrics, its traces. What goes wrong with them stops no job. */
import type { Clock, JobBoard, JobEvent, SiteConnection, Store } from '@consilium/federation';
import { MetricsServer } from '@consilium/transport';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { CoordinatorMetrics } from './coordinator-metrics.ts';
import { RoundTraces } from './round-traces.ts';
import { logJobEvent } from './service-log.ts';
import type { SiteLines } from './site-lines.ts';

export interface CoordinatorWatchOptions {
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  readonly store: Store;
  /** Where metrics are served; without it there are none. */
  readonly metricsPort: number | undefined;
}

const chunkRoute = '/v1/chunks/:id';

export class CoordinatorWatch implements AsyncDisposable {
  readonly #log: FastifyBaseLogger;
  readonly #traces = new RoundTraces();
  readonly #metricsPort: number | undefined;
  readonly #metrics: CoordinatorMetrics | null;
  #server: MetricsServer | null = null;

  constructor({ log, clock, store, metricsPort }: CoordinatorWatchOptions) {
    this.#log = log;
    this.#metricsPort = metricsPort;
    this.#metrics = metricsPort === undefined ? null : new CoordinatorMetrics({ clock, store });
  }

  /** The connection to a site as jobs shall see it. */
  observed(connection: SiteConnection): SiteConnection {
    return this.#traces.observed(this.#metrics?.observed(connection) ?? connection);
  }

  onEvent(event: JobEvent): void {
    try {
      logJobEvent(this.#log, event);
      this.#traces.onEvent(event);
      this.#metrics?.onEvent(event);
    } catch (error) {
      this.#log.error(error, 'watching a job failed');
    }
  }

  /** Before the routes are added. */
  addTo(app: FastifyInstance): void {
    const metrics = this.#metrics;
    if (metrics === null) return;
    app.addHook('onResponse', async ({ method, headers, routeOptions }, reply) => {
      if (routeOptions.url !== chunkRoute || reply.statusCode >= 300 || !reply.raw.writableFinished) return;
      if (method === 'PUT') metrics.blobMoved('in', Number(headers['content-length'] ?? 0));
      if (method === 'GET') metrics.blobMoved('out', Number(reply.getHeader('content-length') ?? 0));
    });
  }

  /** @throws TransportError `transport.metrics-port-taken` */
  async serve(board: JobBoard, lines: SiteLines, auditAlarms: () => number): Promise<void> {
    const metrics = this.#metrics;
    if (metrics === null || this.#metricsPort === undefined) return;
    metrics.watch(board, lines, auditAlarms);
    this.#server = await MetricsServer.listen({
      port: this.#metricsPort,
      text: () => metrics.text(),
      health: () => ({ sitesConnected: lines.all.filter(({ isConnected }) => isConnected).length }),
      onError: (error) => this.#log.error(error, 'metrics failed'),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#traces.end();
    await this.#server?.[Symbol.asyncDispose]();
  }
}
