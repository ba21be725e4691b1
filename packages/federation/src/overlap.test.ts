import type { BlobId, JobId, OverlapTask, SiteId, Task, TaskId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { JobBoard } from './job-board.ts';
import { contradictionOf } from './mandated-task.ts';
import { MemoryStore } from './memory-store.ts';
import { type Overlap, runOverlap } from './overlap.ts';
import { simulatedPorts, siteIds } from './simulator/simulation.ts';

const overlap: Overlap = {
  kind: 'overlap',
  jobId: 'overlap-1' as JobId,
  participants: [...siteIds],
  settings: { identifier: 'patient-id', capacity: 16, minimumSites: 2, minimumCount: 1 },
  stragglerMs: 60_000,
  attempts: 2,
};

describe('a comparison of patients', () => {
  it('goes through its steps once, also when it is run again, and keeps no box', async () => {
    const store = new MemoryStore();
    const ports = simulatedPorts({ store });
    const outcome = await runOverlap(overlap, ports);
    expect(outcome).toMatchObject({ state: 'completed', leftOut: [] });
    expect([...outcome.answers.values()].every(({ found }) => (found?.elsewhere ?? 0) > 0)).toBe(true);
    const asked = [...ports.sites.values()].map(({ log }) => log.map((task) => stepOf(task)));
    for (const steps of asked) expect(steps).toEqual(['introduce', 'mask', 'return', 'label', 'find']);
    expect(await runOverlap(overlap, { ...ports, sites: new Map() })).toEqual(outcome);
    const boxes = [...ports.sites.values()].flatMap(({ log }) => log.flatMap(boxesOf));
    expect(boxes.length).toBeGreaterThan(0);
    for (const box of boxes) await expect(store.getManifest(box)).resolves.toBeUndefined();
  });

  it('shows a coordinator the same sizes whatever the sites have', async () => {
    const sizes = async (cases: number) => {
      const store = new WatchedStore();
      await runOverlap(overlap, simulatedPorts({ store, cases }));
      return store.seen.toSorted((one, other) => one - other);
    };
    const [few, many] = [await sizes(0), await sizes(4)];
    expect(few).toHaveLength(3 * 4 * 3); // three steps with boxes, from each of four sites to each other
    expect(few).toEqual(many);
    expect(new Set(few).size).toBe(2);
  });

  it('goes on without a site that fails on the way, whom the others do not find', async () => {
    const mishap = (siteId: SiteId, task: Task) =>
      siteId === 'site-2' && stepOf(task) === 'return' ? ('fails-for-good' as const) : undefined;
    const store = new MemoryStore();
    const outcome = await runOverlap(overlap, simulatedPorts({ store, mishap }));
    expect([...outcome.answers.keys()]).toEqual(['site-1', 'site-3', 'site-4']);
    expect(outcome.leftOut).toMatchObject([{ siteId: 'site-2', why: 'failed' }]);
    const again = simulatedPorts({ store }); // in which it would not fail, but the step was closed without it
    expect(await runOverlap(overlap, again)).toEqual(outcome);
    for (const { log } of again.sites.values()) expect(log).toEqual([]);
  });

  it('fails with too few sites, and goes on from there when it is resumed', async () => {
    const store = new MemoryStore();
    const settings = { ...overlap.settings, minimumSites: 4 };
    let isBroken = true;
    const mishap = (siteId: SiteId, task: Task) =>
      isBroken && siteId === 'site-3' && stepOf(task) === 'label' ? ('fails' as const) : undefined;
    const ports = simulatedPorts({ store, mishap });
    await using board = await JobBoard.open(ports, { jobsAtOnce: 1 });
    await board.submit({ ...overlap, settings });
    expect(await board.outcome(overlap.jobId)).toMatchObject({
      state: 'failed',
      reason: { code: 'federation.too-few-sites' },
    });
    isBroken = false;
    await board.resume(overlap.jobId);
    expect(await board.outcome(overlap.jobId)).toMatchObject({ state: 'completed' });
    expect(await board.progress(overlap.jobId)).toEqual({ answered: [...siteIds] });
    const log = ports.sites.get('site-1' as SiteId)!.log.map(stepOf);
    expect(log).toEqual(['introduce', 'mask', 'return', 'label', 'find']);
  });

  it('asks sites only what was signed, about sites that were signed', async () => {
    const ports = simulatedPorts({});
    await runOverlap(overlap, ports);
    const tasks = [...ports.sites].flatMap(([siteId, { log }]) => log.map((task) => [siteId, task] as const));
    expect(tasks).toHaveLength(20);
    for (const [siteId, task] of tasks) expect(contradictionOf(task, overlap, siteId)).toBeNull();
    const [siteId, mask] = tasks.find(([, task]) => stepOf(task) === 'mask') as [SiteId, OverlapTask];
    const fewer = { ...overlap, participants: siteIds.filter((id) => id !== 'site-4') };
    expect(contradictionOf(mask, fewer, siteId)).toBe('who takes part');
    const larger = { ...mask, settings: { ...mask.settings, capacity: 1024 } };
    expect(contradictionOf(larger, overlap, siteId)).toBe('how patients are compared');
    expect(contradictionOf({ ...mask, step: 'find' }, overlap, siteId)).toBe('the round');
    const name = `overlap-1/0/introduce/${siteId}` as TaskId;
    const address = { taskId: name, jobId: overlap.jobId, attempt: 1 };
    const introduce: Task = { ...address, kind: 'introduce', purpose: 'secure-aggregation' };
    expect(contradictionOf(introduce, overlap, siteId)).toBe('the kind of task');
  });

  it('is refused where its settings contradict its participants', async () => {
    await using board = await JobBoard.open(simulatedPorts({}), { jobsAtOnce: 1 });
    for (const changes of [
      { settings: { ...overlap.settings, minimumSites: 5 } },
      { participants: [siteIds[0], siteIds[0], siteIds[1]] },
      { participants: [siteIds[0]] },
      { settings: { ...overlap.settings, capacity: 1e6 } },
    ]) {
      await expect(board.submit({ ...overlap, ...changes })).rejects.toMatchObject({ code: 'federation.bad-job' });
    }
  });
});

/** What a coordinator sees of boxes. */
class WatchedStore extends MemoryStore {
  readonly seen: number[] = [];
  override async retain(ids: readonly BlobId[], holder: string): Promise<void> {
    for (const id of ids) this.seen.push((await this.getManifest(id))!.bytes);
    await super.retain(ids, holder);
  }
}

const stepOf = (task: Task) => (task.kind === 'overlap' ? task.step : task.kind);
const boxesOf = (task: Task) => (task.kind === 'overlap' ? task.received.map(({ box }) => box) : []);
