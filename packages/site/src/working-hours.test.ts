import { freemem } from 'node:os';
import type { Clock } from '@consilium/federation';
import type { JobId, Task, TaskId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import type { SiteLimits } from './settings.ts';
import { isWithin, WorkingHours } from './working-hours.ts';

const named = { taskId: 'job/0/x/site-1' as TaskId, jobId: 'job' as JobId, attempt: 1 };
const prepare: Task = { kind: 'prepare', ...named, plan: null };
const fingerprint: Task = { kind: 'fingerprint', ...named };
const always: SiteLimits = { tasksAtOnce: 1, freeMemoryMb: 0 };
const night = { from: '22:00', to: '06:00' };

/** Time goes on by as much as is slept. */
function at(start: string): { clock: Clock; localTime: () => string; slept: () => number } {
  const [hours, minutes] = start.split(':').map(Number) as [number, number];
  let nowMs = 0;
  const localTime = () => {
    const past = Math.floor(hours * 60 + minutes + nowMs / 60_000) % 1440;
    return [Math.floor(past / 60), past % 60].map((part) => String(part).padStart(2, '0')).join(':');
  };
  const clock: Clock = {
    nowMs: () => nowMs,
    sleep: async (ms, signal) => {
      if (!signal.aborted) nowMs += ms;
    },
  };
  return { clock, localTime, slept: () => nowMs };
}
const waited = async (start: string, limits: SiteLimits, task: Task): Promise<number> => {
  const { clock, localTime, slept } = at(start);
  await new WorkingHours(limits, clock, localTime).admit(task, new AbortController().signal);
  return slept() / 60_000;
};

describe('the hours of a site', () => {
  it.each([
    ['21:59', night, false],
    ['22:00', night, true],
    ['00:00', night, true],
    ['05:59', night, true],
    ['06:00', night, false],
    ['08:59', { from: '09:00', to: '17:00' }, false],
    ['09:00', { from: '09:00', to: '17:00' }, true],
    ['17:00', { from: '09:00', to: '17:00' }, false],
    ['12:00', { from: '12:00', to: '12:00' }, false],
  ])('at %s, with %j, are open: %s', (time, hours, isOpen) => {
    expect(isWithin(time, hours)).toBe(isOpen);
  });

  it.each([
    ['20:00', prepare, 120],
    ['23:00', prepare, 0],
    ['06:00', prepare, 16 * 60],
    ['20:00', fingerprint, 0],
  ])('let a task that comes at %s begin when they open', async (start, task, minutes) => {
    expect(await waited(start, { ...always, hours: night }, task)).toBe(minutes);
  });

  it('are every hour if none are set', async () => {
    expect(await waited('12:00', always, prepare)).toBe(0);
  });

  it('keep a task waiting while the machine has too little memory, until it is given up', async () => {
    const { clock, localTime } = at('12:00');
    const limits = { ...always, freeMemoryMb: Math.ceil(freemem() / 2 ** 20) * 100 };
    const over = new AbortController();
    let looks = 0;
    const counting: Clock = {
      ...clock,
      sleep: async (ms, signal) => {
        if (++looks === 5) over.abort();
        await clock.sleep(ms, signal);
      },
    };
    await new WorkingHours(limits, counting, localTime).admit(fingerprint, over.signal);
    expect(looks).toBe(5);
  });
});
