import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

const never = () => new AbortController().signal;

describe('task slots', () => {
  it('let no more tasks run at once than there are slots, in order', async () => {
    const slots = new Slots(2);
    const started: string[] = [];
    let running = 0;
    const run = async (name: string) => {
      using _ = (await slots.acquire(never()))!;
      started.push(name);
      expect(++running).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    await Promise.all(['a', 'b', 'c', 'd'].map(run));
    expect(started).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are not taken by those who gave up waiting', async () => {
    const slots = new Slots(1);
    const held = await slots.acquire(never());
    const impatient = new AbortController();
    const waiting = slots.acquire(impatient.signal);
    const next = slots.acquire(never());
    impatient.abort();
    expect(await waiting).toBeNull();
    held![Symbol.dispose]();
    expect(await next).not.toBeNull();
  });
});
