/** Strokes on their way: none is lost, doubled or out of order, whatever becomes of network, server and window. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../parts/service-error.ts';
import type { WireStroke } from '../reading-asking.ts';
import { StrokeQueue, type StrokeQueueOptions } from './stroke-queue.ts';
import type { StrokeStore, WrittenStroke } from './stroke-store.ts';
import { strokesNotKept } from './task-session.ts';

class ToyStore implements StrokeStore {
  written: readonly (WrittenStroke & { taskKey: string })[] = [];
  async put(taskKey: string, draftId: string, stroke: WireStroke): Promise<void> {
    this.written = [...this.written, { taskKey, draftId, stroke }];
  }
  async list(): Promise<readonly WrittenStroke[]> {
    return this.written;
  }
  async forget(_taskKey: string, _draftId?: string, upToSeq = 0): Promise<void> {
    this.written = this.written.filter(({ stroke }) => stroke.seq > upToSeq);
  }
}

const stroke = (atMs: number): Omit<WireStroke, 'seq'> => ({ kind: 'draw', tool: 'circle', phase: 'manual', atMs });
const failure = (code: string, status: number) => new ServiceError({ code, message: '', status });
const quiet = () => new Promise((resolve) => setImmediate(resolve));

/** A reading room of which each answer can be lost before or after it has done what it was asked. */
function toyRoom(fates: readonly ('kept' | 'lost before' | 'lost after')[]) {
  const kept: WireStroke[] = [];
  const left = [...fates];
  const send = async (strokes: readonly WireStroke[]): Promise<number> => {
    const fate = left.shift() ?? 'kept';
    if (fate === 'lost before') throw failure('console.unreachable', 0);
    for (const one of strokes) {
      if (one.seq <= kept.length) expect(kept[one.seq - 1]).toEqual(one);
      else if (one.seq === kept.length + 1) kept.push(one);
      else throw failure('reading.stroke-gap', 409);
    }
    if (fate === 'lost after') throw failure('console.unreachable', 0);
    return kept.length;
  };
  return { kept, send };
}

function queueOf(more: Partial<StrokeQueueOptions> & Pick<StrokeQueueOptions, 'send'>) {
  const retries: (() => void)[] = [];
  const queue = new StrokeQueue({
    ...{ taskKey: 'renal/1', draftId: 'draft', lastSeq: 0, waiting: [], store: new ToyStore() },
    renew: async () => false,
    later: (_ms, work) => {
      retries.push(work);
      return () => {};
    },
    ...more,
  });
  return { queue, retries };
}

describe('strokes on their way', () => {
  it('come once each and in order, however often answers are lost, and are written down until they have come', async () => {
    const fate = fc.constantFrom('kept' as const, 'lost before' as const, 'lost after' as const);
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), async (fates, strokes) => {
        const room = toyRoom(fates);
        const store = new ToyStore();
        const { queue, retries } = queueOf({ send: room.send, store });
        for (let at = 0; at < strokes; at++) {
          queue.add(stroke(at));
          await quiet();
          const seqs = new Set([...room.kept.map(({ seq }) => seq), ...store.written.map((one) => one.stroke.seq)]);
          expect(seqs.size).toBe(at + 1);
        }
        for (let turn = 0; turn < 20; turn++) {
          retries.pop()?.();
          await quiet();
        }
        expect(room.kept.map(({ atMs }) => atMs)).toEqual(Array.from({ length: strokes }, (_, at) => at));
        expect([queue.state(), queue.waiting, store.written]).toEqual(['kept', 0, []]);
      }),
      { numRuns: 60 },
    );
  });

  it('wait when another window has the task, and go on when the lease only ran out', async () => {
    const taken = queueOf({ send: async () => Promise.reject(failure('reading.lease-expired', 409)) });
    taken.queue.add(stroke(1));
    await quiet();
    expect([taken.queue.state(), taken.queue.waiting, await taken.queue.settle()]).toEqual(['shut-out', 1, false]);
    let isRenewed = false;
    const ranOut = queueOf({
      send: async () => (isRenewed ? 1 : Promise.reject(failure('reading.lease-expired', 409))),
      renew: async () => {
        isRenewed = true;
        return true;
      },
    });
    ranOut.queue.add(stroke(1));
    await quiet();
    expect([ranOut.queue.state(), ranOut.queue.keptSeq]).toEqual(['kept', 1]);
  });

  it('stop where the reading room refuses one, and say why', async () => {
    const { queue } = queueOf({ send: async () => Promise.reject(failure('reading.structure-unknown', 400)) });
    queue.add(stroke(1));
    await quiet();
    expect([queue.state(), queue.error?.code, queue.waiting]).toEqual(['refused', 'reading.structure-unknown', 1]);
  });
});

describe('strokes that a lost window left behind', () => {
  const written = (seq: number, atMs: number, draftId = 'draft'): WrittenStroke => ({
    draftId,
    stroke: { ...stroke(atMs), seq },
  });
  const kept = [1, 2, 3].map((seq) => ({ ...stroke(seq * 10), seq }));

  it('go on where the reading room ends, less those that it has', () => {
    const found = strokesNotKept([written(3, 30), written(4, 40), written(5, 50)], { draftId: 'draft', kept });
    expect(found.map(({ atMs, kind, seq }) => [seq, atMs, kind])).toEqual([
      [4, 40, 'draw'],
      [5, 50, 'draw'],
    ]);
  });

  it('are put on top as plain strokes where another window drew meanwhile, or the draft is another', () => {
    const undo = { draftId: 'draft', stroke: { ...stroke(35), kind: 'undo' as const, seq: 3 } };
    const meanwhile = strokesNotKept([undo, written(4, 45)], { draftId: 'draft', kept });
    expect(meanwhile.map(({ atMs, kind, seq }) => [seq, atMs, kind])).toEqual([
      [4, 35, 'draw'],
      [5, 45, 'draw'],
    ]);
    const other = strokesNotKept([written(1, 10, 'before')], { draftId: 'draft', kept: [] });
    expect(other.map(({ kind, seq }) => [seq, kind])).toEqual([[1, 'draw']]);
  });
});
