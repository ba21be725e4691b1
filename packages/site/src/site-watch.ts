/** Who looks on at a site's work: its log, its metrics, its traces. What goes wrong with them stops no task. */
import type { AgentEvent, Worker } from '@consilium/federation';
import { MetricsServer } from '@consilium/transport';
import type { LocalLog } from './ports/local-log.ts';
import { detailOf } from './site-error.ts';
import { SiteMetrics, type SiteMetricsOptions } from './site-metrics.ts';
import { TaskTraces } from './task-traces.ts';

export interface SiteWatchOptions extends SiteMetricsOptions {
  readonly log: LocalLog;
  /** Where metrics are served; without it there are none. */
  readonly metricsPort: number | undefined;
}

export class SiteWatch implements AsyncDisposable {
  readonly #log: LocalLog;
  readonly #traces = new TaskTraces();
  readonly #metrics: SiteMetrics | null = null;
  #isConnected = false;
  #server: MetricsServer | null = null;

  private constructor({ log, metricsPort, ...options }: SiteWatchOptions) {
    this.#log = log;
    if (metricsPort !== undefined) this.#metrics = new SiteMetrics(options);
  }

  /** @throws TransportError `transport.metrics-port-taken` */
  static async open(options: SiteWatchOptions): Promise<SiteWatch> {
    const watch = new SiteWatch(options);
    await watch.#serve(options.metricsPort);
    return watch;
  }

  observed(worker: Worker): Worker {
    return this.#traces.observed(this.#metrics?.observed(worker) ?? worker);
  }

  onEvent(event: AgentEvent): void {
    if (event.kind === 'connected' || event.kind === 'disconnected') this.#isConnected = event.kind === 'connected';
    try {
      logEvent(this.#log, event);
      this.#traces.onEvent(event);
      this.#metrics?.onEvent(event);
    } catch (error) {
      this.#log.write('watching failed', { detail: detailOf(error) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#traces.end();
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #serve(port: number | undefined): Promise<void> {
    const metrics = this.#metrics;
    if (metrics === null || port === undefined) return;
    this.#server = await MetricsServer.listen({
      port,
      text: () => metrics.text(),
      health: () => ({ connected: this.#isConnected }),
      onError: (error) => this.#log.write('metrics failed', { detail: detailOf(error) }),
    });
  }
}

function logEvent(log: LocalLog, event: AgentEvent): void {
  const { kind, ...rest } = event;
  const task = 'task' in rest ? { taskId: rest.task.taskId, attempt: rest.task.attempt } : {};
  const outcome = 'outcome' in rest ? { outcome: rest.outcome.kind } : {};
  const detail = 'error' in rest && rest.error !== undefined ? { detail: detailOf(rest.error) } : {};
  const verdict = 'verdict' in rest ? { verdict: rest.verdict } : {};
  log.write(kind, { ...('taskId' in rest ? { taskId: rest.taskId } : task), ...outcome, ...verdict, ...detail });
}
