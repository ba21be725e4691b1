import type { AgentEvent, Worker } from '@consilium/federation';
import type { Failure, JobId, Task, TaskId } from '@consilium/protocol';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { TaskTraces } from './task-traces.ts';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
beforeEach(() => exporter.reset());
afterAll(() => trace.disable());

const [traceId, spanId] = ['1f'.repeat(16), '2e'.repeat(8)];
const task: Task = {
  kind: 'fingerprint',
  taskId: 'job/0/fingerprint/site-1' as TaskId,
  jobId: 'job' as JobId,
  attempt: 1,
  traceparent: `00-${traceId}-${spanId}-01`,
};
const failure: Failure = { code: 'site.aborted', message: 'No.', lasting: false };
const worker: Worker = {
  perform: async () => ({ kind: 'prepare', cases: { train: 1, validation: 1, test: 1 }, leftOut: [] }),
};
const contribution = { kind: 'contribution', contribution: {} } as never;
const begun: AgentEvent[] = [
  { kind: 'task-received', task },
  { kind: 'task-started', task },
];

async function traced(...events: (AgentEvent | 'perform' | 'end')[]) {
  const traces = new TaskTraces();
  const observed = traces.observed(worker);
  for (const event of events) {
    if (event === 'end') traces.end();
    else if (event === 'perform') {
      await observed.perform(task, { signal: new AbortController().signal, onProgress: () => {} });
    } else traces.onEvent(event);
  }
  const spans = exporter.getFinishedSpans();
  return { spans, names: spans.map(({ name }) => name) };
}

describe('the trace of a task at a site', () => {
  it('is part of the coordinator’s, and ends when the coordinator has decided', async () => {
    const { spans, names } = await traced(
      ...begun,
      'perform',
      { kind: 'task-finished', task, outcome: contribution },
      { kind: 'delivered', task, verdict: { kind: 'not-asked' } },
      { kind: 'task-received', task },
      { kind: 'delivered', task, verdict: { kind: 'accepted' } },
    );
    expect(names).toEqual(['fetch', 'perform', 'deliver', 'task fingerprint']);
    expect(spans.every((span) => span.spanContext().traceId === traceId)).toBe(true);
    expect(spans.at(-1)!.parentSpanContext).toMatchObject({ spanId, isRemote: true });
    expect(spans.at(-1)!.events.map(({ attributes }) => attributes?.['consilium.verdict'])).toEqual([
      'not-asked',
      'accepted',
    ]);
  });

  it('is one of its own where the coordinator traces nothing', async () => {
    const { traceparent: _, ...plain } = task;
    const { spans } = await traced({ kind: 'task-received', task: plain }, 'end');
    expect(spans[0]!.parentSpanContext).toBeUndefined();
  });

  it('shows what failed', async () => {
    const outcome = { kind: 'failure', failure } as const;
    const { spans, names } = await traced(
      ...begun,
      { kind: 'task-finished', task, outcome },
      { kind: 'delivered', task, verdict: { kind: 'accepted' } },
    );
    expect(names).toEqual(['fetch', 'deliver', 'task fingerprint']);
    expect(spans[2]!.status).toEqual({ code: SpanStatusCode.ERROR, message: 'No.' });
    expect(spans[0]!.attributes).toEqual({ 'consilium.code': 'site.aborted' });
    expect(spans[1]!.status.code).toBe(SpanStatusCode.UNSET);
  });

  it('ends when the task is given up, and when the service stops', async () => {
    expect((await traced(...begun, { kind: 'task-given-up', taskId: task.taskId })).names).toEqual([
      'fetch',
      'task fingerprint',
    ]);
    exporter.reset();
    expect((await traced(...begun, 'perform', 'end')).names).toEqual(['fetch', 'perform', 'task fingerprint']);
  });

  it('is not there for work of an earlier life, and nothing breaks', async () => {
    const { names } = await traced(
      { kind: 'connected' },
      { kind: 'delivered', task, verdict: { kind: 'accepted' } },
      { kind: 'task-given-up', taskId: task.taskId },
      'end',
    );
    expect(names).toEqual([]);
  });
});
