import type { CoordinatorClient } from '@consilium/transport';
import { TransportError } from '@consilium/transport';
import { describe, expect, it } from 'vitest';
import { followJob } from './job-follower.ts';

const step = (number: number, time = `2026-01-01T00:00:0${number}.000Z`) => ({ kind: 'site-step', number, time });
const status = (state: string) => ({ jobId: 'kidney', kind: 'train', state, reason: null });
const lost = new TransportError('transport.connection-lost', 'The connection was lost.');

/** A coordinator that tells of each list on a line of its own, then is lost or ends the line. */
function speaking(lines: readonly (readonly (object | Error)[])[], states: string[]): CoordinatorClient {
  const left = [...lines];
  return {
    events: async function* () {
      for (const event of left.shift() ?? []) {
        if (event instanceof Error) throw event;
        yield event;
      }
    },
    get: async () => status(states.shift()!),
  } as unknown as CoordinatorClient;
}

async function follow(client: CoordinatorClient) {
  const told: unknown[] = [];
  const retries: string[] = [];
  const ended = await followJob(client, 'kidney', {
    signal: new AbortController().signal,
    onEvent: ({ number, kind }) => told.push(number ?? kind),
    onRetry: ({ code }) => retries.push(code),
  });
  return { told, retries, state: ended.state };
}

describe('following a job', () => {
  it('tells each event once, though a new line begins with what was told before', async () => {
    const client = speaking(
      [
        [step(1), step(2), lost],
        [step(1), step(2), step(3)],
      ],
      ['completed'],
    );
    expect(await follow(client)).toEqual({
      told: [1, 2, 3],
      retries: ['transport.connection-lost'],
      state: 'completed',
    });
  });

  it('goes on after a restart of the coordinator, which counts anew', async () => {
    const client = speaking([[step(5), lost], [{ ...step(1), time: '2026-01-01T00:00:09.000Z' }]], ['aborted']);
    expect(await follow(client)).toMatchObject({ told: [5, 1], state: 'aborted' });
  });

  it('believes the state of the job, not the end of a line or an end from before it was resumed', async () => {
    const failed = { ...step(1), kind: 'job-ended', state: 'failed' };
    const client = speaking([[failed], [failed, step(2)]], ['running', 'completed']);
    expect(await follow(client)).toMatchObject({ told: [1, 2], state: 'completed' });
  });
});
