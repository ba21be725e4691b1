/** Answers what readers and reviewers ask. */
import { createHash } from 'node:crypto';
import { readLabelFile } from '../handover/label-import.ts';
import type { TaskName } from '../room/readings.ts';
import { leaseAnswer, strokeAnswer, strokeOf, taskAnswer } from './answers.ts';
import type { ReadingContext, Some } from './reading-context.ts';

const nameOf = ({ project, task }: { project: string; task: string }): TaskName => ({ project, taskId: task });

export function taskHandlers({
  room,
}: ReadingContext): Some<
  | ('listTasks' | 'task' | 'openNext' | 'open' | 'heartbeat' | 'draft' | 'draw' | 'submit' | 'upload' | 'choose')
  | ('skip' | 'withdraw' | 'assign')
> {
  const { readings, reviews, tasks } = room;
  return {
    listTasks: ({ asker, params, query }) => tasks.list(asker, params.project, query).map(taskAnswer),
    task: ({ asker, params }) => taskAnswer(tasks.get(asker, params.project, params.task)),
    openNext: async ({ asker, params }) => {
      const lease = await readings.openNext(asker, params.project);
      return lease === undefined ? null : leaseAnswer(lease);
    },
    open: async ({ asker, params }) => leaseAnswer(await readings.open(asker, nameOf(params))),
    heartbeat: async ({ asker, body, params }) => ({
      untilMs: await readings.heartbeat(asker, { ...nameOf(params), ...body }),
    }),
    draft: ({ asker, params, query }) => {
      const { baseVersion, id, lastSeq, strokes } = readings.draft(asker, nameOf(params), query.since);
      return { id, lastSeq, baseVersion: baseVersion ?? null, strokes: strokes.map(strokeAnswer) };
    },
    draw: async ({ asker, body: { leaseId, strokes }, params }) => ({
      lastSeq: await readings.draw(asker, { ...nameOf(params), leaseId, strokes: strokes.map(strokeOf) }),
    }),
    submit: ({ asker, body, params }) => readings.submit(asker, { ...nameOf(params), ...body }),
    upload: async ({ asker, body, params, query: { format, leaseId, parent } }) => {
      const { geometry, protocolVersion } = tasks.get(asker, params.project, params.task);
      const protocol = room.protocolOf(params.project, protocolVersion);
      const layers = await readLabelFile(body, { format, geometry, protocol });
      const file = { format, sha256: createHash('sha256').update(body).digest('hex') };
      return readings.upload(asker, { ...nameOf(params), leaseId, parent, layers, file });
    },
    choose: async ({ asker, body, params }) => {
      await readings.choose(asker, { ...nameOf(params), ...body });
      return {};
    },
    skip: async ({ asker, body, params }) => {
      await readings.skip(asker, { ...nameOf(params), ...body });
      return {};
    },
    withdraw: async ({ asker, params }) => {
      await readings.withdraw(asker, nameOf(params));
      return {};
    },
    assign: async ({ asker, body: { reader }, params }) => {
      await reviews.assign(asker, { ...nameOf(params), reader: reader ?? undefined });
      return {};
    },
  };
}

export function reviewHandlers({
  room: { reviews },
}: ReadingContext): Some<'takeReview' | 'leaveReview' | 'decide' | 'listReviews' | 'reopen' | 'lock'> {
  return {
    takeReview: async ({ asker, params }) => {
      await reviews.take(asker, nameOf(params));
      return {};
    },
    leaveReview: async ({ asker, params }) => {
      await reviews.leave(asker, nameOf(params));
      return {};
    },
    decide: async ({ asker, body, params }) => {
      await reviews.decide(asker, { ...nameOf(params), ...body });
      return {};
    },
    listReviews: ({ asker, params }) => reviews.list(asker, nameOf(params)),
    reopen: async ({ asker, body, params }) => {
      await reviews.reopen(asker, { ...nameOf(params), ...body });
      return {};
    },
    lock: async ({ asker, params }) => {
      await reviews.lock(asker, nameOf(params));
      return {};
    },
  };
}
