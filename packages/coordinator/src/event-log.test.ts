import type { JobEvent } from '@consilium/federation';
import type { JobId, SiteId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { EventLog } from './event-log.ts';

const stepOf = (step: number, jobId = 'one'): JobEvent => ({
  kind: 'site-step',
  jobId: jobId as JobId,
  round: 1,
  siteId: 'site-1' as SiteId,
  step,
  of: 100,
  loss: 0.5,
});
const one = 'one' as JobId;
const now = () => '2026-01-02T03:04:05.000Z';
const numbers = (log: EventLog, jobId = one) => log.recent(jobId).map(({ number }) => number);

describe('the events of jobs', () => {
  it('are numbered within their job, and have their time', () => {
    const log = new EventLog({ now });
    for (const jobId of ['one', 'two', 'one']) log.add(stepOf(1, jobId));
    expect(numbers(log)).toEqual([1, 2]);
    expect(log.recent('two' as JobId)).toEqual([{ ...stepOf(1, 'two'), time: now(), number: 1 }]);
    expect(log.recent('none' as JobId)).toEqual([]);
  });

  it('are the newest ones, however many there are', () => {
    const log = new EventLog({ kept: 3, now });
    for (let step = 1; step <= 100; step++) {
      log.add(stepOf(step));
      const first = Math.max(1, step - 2);
      expect(numbers(log)).toEqual(Array.from({ length: Math.min(step, 3) }, (_, index) => first + index));
    }
  });

  it('are told to who listens, until it does not any more', () => {
    const log = new EventLog({ now });
    const heard: number[] = [];
    {
      using _ = log.listen(one, ({ number }) => heard.push(number));
      log.add(stepOf(1));
      log.add(stepOf(1, 'two'));
      log.add(stepOf(2));
    }
    log.add(stepOf(3));
    expect(heard).toEqual([1, 2]);
  });

  it('are kept of the jobs heard of last, and of those that someone listens to', () => {
    const log = new EventLog({ jobsKept: 2, now });
    using _ = log.listen(one, () => {});
    for (const jobId of ['one', 'two', 'three', 'two', 'four']) log.add(stepOf(1, jobId));
    const kept = ['one', 'two', 'three', 'four'].filter((jobId) => log.recent(jobId as JobId).length > 0);
    expect(kept).toEqual(['one', 'four']);
  });
});
