/** Numbers about a site for Prometheus. They stay in the hospital, and nothing in them is about a patient. */
import { statfs } from 'node:fs/promises';
import type { AgentEvent, Clock, Worker } from '@consilium/federation';
import type { Task, TaskId, TaskProgress } from '@consilium/protocol';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface SiteMetricsOptions {
  readonly clock: Clock;
  /** Whose disk is looked at. */
  readonly directory: string;
  /** Until the certificate ends. */
  readonly certificateMs: () => number;
  /** Audit logs that are not what they were. */
  readonly auditAlarms: () => number;
  /** Memory of the worker; undefined while there is none. */
  readonly workerBytes: () => number | undefined;
}

const taskSecondsBuckets = [0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800, 3600, 14_400, 43_200];

export class SiteMetrics {
  readonly #clock: Clock;
  readonly #registry = new Registry();
  readonly #startMs = new Map<TaskId, { readonly kind: Task['kind']; readonly ms: number }>();
  #connections = 0;

  readonly #connected = this.#gauge('consilium_line_connected', 'Whether there is a line to the coordinator.');
  readonly #reconnects = this.#counter('consilium_line_reconnects_total', 'Lines after the first.');
  readonly #tasks = this.#counter(
    'consilium_site_tasks_total',
    'Tasks that ended: done, failed, or given up because the coordinator asked for it.',
    ['kind', 'outcome'],
  );
  readonly #taskSeconds = new Histogram({
    name: 'consilium_site_task_seconds',
    help: 'From the beginning of a task, models fetched included, until it is done.',
    labelNames: ['kind'],
    buckets: taskSecondsBuckets,
    registers: [this.#registry],
  });
  readonly #stepsPerSecond = this.#gauge('consilium_worker_steps_per_second', 'Training steps a second; 0 at rest.');
  readonly #casesPerSecond = this.#gauge('consilium_worker_cases_per_second', 'Cases a second; 0 at rest.');
  readonly #loss = this.#gauge('consilium_worker_loss', 'Loss of the last training step.');

  constructor({ auditAlarms, clock, directory, certificateMs, workerBytes }: SiteMetricsOptions) {
    this.#clock = clock;
    collectDefaultMetrics({ register: this.#registry });
    this.#collected(
      'consilium_worker_resident_bytes',
      'Memory of the worker; 0 while there is none.',
      () => workerBytes() ?? 0,
    );
    this.#collected('consilium_audit_alarms', 'Audit logs that are not what they were.', auditAlarms);
    this.#collected('consilium_disk_free_bytes', 'Free on the disk of the site’s directory.', async () => {
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    });
    this.#collected(
      'consilium_certificate_remaining_seconds',
      'Until the certificate ends; it renews itself.',
      () => certificateMs() / 1000,
    );
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  onEvent(event: AgentEvent): void {
    switch (event.kind) {
      case 'connected':
        this.#connected.set(1);
        if (this.#connections++ > 0) this.#reconnects.inc();
        break;
      case 'disconnected':
        this.#connected.set(0);
        break;
      case 'task-started':
        this.#startMs.set(event.task.taskId, { kind: event.task.kind, ms: this.#clock.nowMs() });
        break;
      case 'task-finished':
        this.#ended(event.task.taskId, event.outcome.kind === 'contribution' ? 'done' : 'failed');
        break;
      case 'task-given-up':
        this.#ended(event.taskId, 'given-up');
        break;
    }
  }

  /** The worker, with what it says of its progress counted. */
  observed(worker: Worker): Worker {
    return {
      perform: async (task, { signal, onProgress }) => {
        let caseMs = this.#clock.nowMs();
        try {
          return await worker.perform(task, {
            signal,
            onProgress: (progress) => {
              caseMs = this.#progressed(progress, caseMs);
              onProgress(progress);
            },
          });
        } finally {
          this.#stepsPerSecond.set(0);
          this.#casesPerSecond.set(0);
        }
      },
    };
  }

  /** @returns when the last case was done. */
  #progressed(progress: TaskProgress, caseMs: number): number {
    if (progress.kind === 'step') {
      if (progress.loss !== null) this.#loss.set(progress.loss);
      if (progress.stepsPerSecond !== undefined) this.#stepsPerSecond.set(progress.stepsPerSecond);
      return caseMs;
    }
    const nowMs = this.#clock.nowMs();
    if (nowMs > caseMs) this.#casesPerSecond.set(1000 / (nowMs - caseMs));
    return nowMs;
  }

  #ended(taskId: TaskId, outcome: 'done' | 'failed' | 'given-up'): void {
    const started = this.#startMs.get(taskId);
    if (started === undefined) return; // one that had not begun
    this.#startMs.delete(taskId);
    this.#tasks.inc({ kind: started.kind, outcome });
    this.#taskSeconds.observe({ kind: started.kind }, (this.#clock.nowMs() - started.ms) / 1000);
  }

  #counter<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Counter<Label>({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.#registry] });
  }

  #collected(name: string, help: string, look: () => number | Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: async () => gauge.set(await look()),
    });
  }
}
