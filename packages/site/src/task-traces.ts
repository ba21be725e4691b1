/**
 * OpenTelemetry traces of tasks, within the coordinator's span where it names one: `task` and in it `fetch`, `perform`,
 * `deliver`. Without an SDK in the process all of this does nothing.
 */
import type { AgentEvent, Worker } from '@consilium/federation';
import type { Task, TaskId } from '@consilium/protocol';
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';

interface TaskSpans {
  readonly task: Span;
  /** What is being done for it. */
  step: Span | null;
}

export class TaskTraces {
  readonly #tracer: Tracer = trace.getTracer('@consilium/site');
  readonly #tasks = new Map<TaskId, TaskSpans>();

  onEvent(event: AgentEvent): void {
    switch (event.kind) {
      case 'task-received':
        this.#received(event.task);
        break;
      case 'task-started':
        this.#step(event.task.taskId, 'fetch');
        break;
      case 'task-finished':
        if (event.outcome.kind === 'failure') this.#fail(event.task.taskId, event.outcome.failure);
        this.#step(event.task.taskId, 'deliver');
        break;
      case 'delivered': {
        const { taskId } = event.task;
        const { kind } = event.verdict;
        this.#tasks.get(taskId)?.task.addEvent('delivered', { 'consilium.verdict': kind });
        if (kind !== 'not-asked') this.#end(taskId);
        break;
      }
      case 'task-given-up':
        this.#tasks.get(event.taskId)?.task.addEvent('given up');
        this.#end(event.taskId);
        break;
    }
  }

  /** The worker, with a span around what it does. */
  observed(worker: Worker): Worker {
    return {
      perform: (task, options) => {
        this.#step(task.taskId, 'perform');
        return worker.perform(task, options);
      },
    };
  }

  /** Of all tasks: the service stops. */
  end(): void {
    for (const taskId of [...this.#tasks.keys()]) this.#end(taskId);
  }

  /** Also told again, for a task that it has. */
  #received(task: Task): void {
    if (this.#tasks.has(task.taskId)) return;
    const attributes = {
      'consilium.job': task.jobId,
      'consilium.task': task.taskId,
      'consilium.attempt': task.attempt,
    };
    const span = this.#tracer.startSpan(
      `task ${task.kind}`,
      { kind: SpanKind.SERVER, attributes },
      contextOf(task.traceparent),
    );
    this.#tasks.set(task.taskId, { task: span, step: null });
  }

  #step(taskId: TaskId, name: 'fetch' | 'perform' | 'deliver'): void {
    const spans = this.#tasks.get(taskId);
    if (spans === undefined) return;
    spans.step?.end();
    spans.step = this.#tracer.startSpan(name, {}, trace.setSpan(ROOT_CONTEXT, spans.task));
  }

  #fail(taskId: TaskId, { code, message }: { readonly code: string; readonly message: string }): void {
    const spans = this.#tasks.get(taskId);
    for (const span of [spans?.task, spans?.step]) {
      span?.setAttribute('consilium.code', code).setStatus({ code: SpanStatusCode.ERROR, message });
    }
  }

  #end(taskId: TaskId): void {
    const spans = this.#tasks.get(taskId);
    spans?.step?.end();
    spans?.task.end();
    this.#tasks.delete(taskId);
  }
}

/** Of a parent in another process. https://www.w3.org/TR/trace-context/#traceparent-header */
function contextOf(traceparent: string | undefined): Context {
  if (traceparent === undefined) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}
