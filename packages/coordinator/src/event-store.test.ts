import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobEvent } from '@consilium/federation';
import type { JobId, SiteId } from '@consilium/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { EventLog } from './event-log.ts';
import { EventStore } from './event-store.ts';

const root = mkdtempSync(join(tmpdir(), 'consilium-events-'));
let count = 0;
const freshDirectory = (): string => mkdtempSync(join(root, String(++count)));
afterAll(() => rmSync(root, { recursive: true }));

const one = 'one' as JobId;
const siteId = 'site-1' as SiteId;
const now = () => '2026-01-02T03:04:05.000Z';
const evaluated = (round: number, jobId = one): JobEvent => ({
  kind: 'evaluated',
  jobId,
  round,
  score: 0.5,
  siteScores: { [siteId]: 0.5 },
});
const stepOf = (step: number): JobEvent => ({
  kind: 'site-step',
  jobId: one,
  round: 1,
  siteId,
  step,
  of: 3,
  loss: 0.5,
});
const rounds = (events: readonly JobEvent[]) => events.map((event) => ('round' in event ? event.round : null));

describe('the events of jobs on disk', () => {
  it('are told after a restart, but for steps on the way, and counted on', () => {
    const directory = freshDirectory();
    {
      using log = new EventLog({ now, store: EventStore.open(directory) });
      for (const event of [evaluated(1), stepOf(1), stepOf(2), stepOf(3)]) log.add(event);
      expect(log.recent(one)).toHaveLength(4);
    }
    using log = new EventLog({ now, store: EventStore.open(directory) });
    expect(log.recent(one)).toEqual([
      { ...evaluated(1), time: now(), number: 1 },
      { ...stepOf(3), time: now(), number: 4 },
    ]);
    log.add(evaluated(2));
    expect(log.recent(one).at(-1)).toMatchObject({ round: 2, number: 5 });
    expect(log.recent('none' as JobId)).toEqual([]);
  });

  it('are read again of a job that memory has let go of', () => {
    using log = new EventLog({ jobsKept: 1, now, store: EventStore.open(freshDirectory()) });
    for (const jobId of ['one', 'two', 'three'] as JobId[]) log.add(evaluated(1, jobId));
    expect(rounds(log.recent(one))).toEqual([1]);
  });

  it('are the newest of each job and of all, however many there were', () => {
    const directory = freshDirectory();
    using store = EventStore.open(directory, { kept: 10, keptOfAll: 400 });
    const add = (jobId: string, events: number) => {
      for (let round = 1; round <= events; round++) {
        store.add({ ...evaluated(round, jobId as JobId), time: now(), number: round });
      }
    };
    add('two', 5);
    add('one', 1000);
    expect(rounds(store.recent(one))).toEqual(Array.from({ length: 10 }, (_, index) => 991 + index));
    expect(store.recent('two' as JobId)).toEqual([]);
    for (let more = 0; more < 4; more++) add('one', 1000);
    expect(statSync(join(directory, 'events.sqlite')).size).toBeLessThan(300_000);
  });

  it('are begun anew where the file is damaged, and missed by nobody where it cannot be written to', () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, 'events.sqlite'), Buffer.alloc(5000, 7));
    const failures: unknown[] = [];
    const store = EventStore.open(directory);
    const log = new EventLog({ now, store, onError: (error) => failures.push(error) });
    log.add(evaluated(1));
    store[Symbol.dispose]();
    log.add(evaluated(2));
    expect(rounds(log.recent(one))).toEqual([1, 2]);
    expect(failures).toHaveLength(1);
    expect(() => EventStore.open('/dev/null')).toThrow(expect.objectContaining({ code: 'transport.not-writable' }));
  });
});
