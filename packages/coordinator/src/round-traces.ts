/**
 * OpenTelemetry traces of jobs: a span for each job, in it one for each round, in it one for each task, which the site
 * goes on with. Without an SDK in the process all of this does nothing. Spans are made from what is seen from outside:
 * rounds know nothing of it.
 */
import type { JobEvent, SiteConnection, TaskReply } from '@consilium/federation';
import type { JobId, Task } from '@consilium/protocol';
import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';

interface JobSpans {
  readonly job: Span;
  round: Span | null;
}

export class RoundTraces {
  readonly #tracer: Tracer = trace.getTracer('@consilium/coordinator');
  readonly #jobs = new Map<JobId, JobSpans>();

  onEvent(event: JobEvent): void {
    const spans = this.#jobs.get(event.jobId);
    switch (event.kind) {
      case 'job-started':
        this.#startJob(event);
        break;
      case 'round-started':
        spans?.round?.end();
        if (spans !== undefined) spans.round = this.#startRound(spans.job, event);
        break;
      case 'aggregated':
        spans?.round?.addEvent('aggregated', { 'consilium.sites': [...event.participants] });
        break;
      case 'evaluated':
        if (event.score !== null) spans?.round?.setAttribute('consilium.score', event.score);
        spans?.round?.end();
        if (spans !== undefined) spans.round = null;
        break;
      case 'job-ended':
        spans?.job.setAttributes({ 'consilium.state': event.state, 'consilium.reason': event.reason.code });
        if (event.state === 'failed') {
          spans?.job.setStatus({ code: SpanStatusCode.ERROR, message: event.reason.text });
        }
        this.#end(event.jobId);
        break;
    }
  }

  /** The connection, with a span for each task, whose name goes to the site with it. */
  observed(connection: SiteConnection): SiteConnection {
    return {
      siteId: connection.siteId,
      abandon: (work) => connection.abandon?.(work),
      perform: async (task, options) => {
        const span = this.#startTask(connection, task);
        const traceparent = traceparentOf(span);
        try {
          const asked: Task = traceparent === undefined ? task : { ...task, traceparent };
          return endedBy(span, await connection.perform(asked, options));
        } catch (error) {
          span.recordException(error as Error);
          span.setStatus({ code: SpanStatusCode.ERROR }).end();
          throw error;
        }
      },
    };
  }

  /** Of all jobs: the process ends, and the next one begins new traces. */
  end(): void {
    for (const jobId of [...this.#jobs.keys()]) this.#end(jobId);
  }

  #startJob({ jobId, participants }: Extract<JobEvent, { kind: 'job-started' }>): void {
    this.#end(jobId);
    const attributes = { 'consilium.job': jobId, 'consilium.sites': [...participants] };
    this.#jobs.set(jobId, { job: this.#tracer.startSpan('job', { attributes }, ROOT_CONTEXT), round: null });
  }

  #startRound(job: Span, { jobId, round }: Extract<JobEvent, { kind: 'round-started' }>): Span {
    const attributes = { 'consilium.job': jobId, 'consilium.round': round };
    return this.#tracer.startSpan('round', { attributes }, within(job));
  }

  #startTask({ siteId }: SiteConnection, task: Task): Span {
    const spans = this.#jobs.get(task.jobId);
    const attributes = {
      'consilium.job': task.jobId,
      'consilium.site': siteId,
      'consilium.task': task.taskId,
      'consilium.attempt': task.attempt,
    };
    const parent = spans === undefined ? ROOT_CONTEXT : within(spans.round ?? spans.job);
    return this.#tracer.startSpan(`task ${task.kind}`, { kind: SpanKind.CLIENT, attributes }, parent);
  }

  #end(jobId: JobId): void {
    const spans = this.#jobs.get(jobId);
    spans?.round?.end();
    spans?.job.end();
    this.#jobs.delete(jobId);
  }
}

function within(span: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, span);
}

/** Undefined where nothing is traced. https://www.w3.org/TR/trace-context/#traceparent-header */
function traceparentOf(span: Span): string | undefined {
  const context = span.spanContext();
  if (!isSpanContextValid(context)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}

/** A contribution ends the span when it was decided about. */
function endedBy(span: Span, reply: TaskReply): TaskReply {
  const end = (outcome: string, failure?: { readonly code: string; readonly message: string }): void => {
    span.setAttribute('consilium.outcome', outcome);
    if (failure !== undefined) {
      span.setAttribute('consilium.code', failure.code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
    }
    span.end();
  };
  switch (reply.kind) {
    case 'contribution': {
      const acknowledge: typeof reply.acknowledge = (verdict) => {
        reply.acknowledge(verdict);
        end(verdict.kind, verdict.kind === 'refused' ? verdict : undefined);
      };
      return { ...reply, acknowledge };
    }
    case 'failure':
      end('failed', reply.failure);
      return reply;
    case 'lost':
      end('lost', reply);
      return reply;
    case 'aborted':
      end('aborted');
      return reply;
  }
}
