import type { BlobId, JobId, SiteId } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { jobEventText } from './job-event-text.ts';
import { parseEvent, type WatchedEvent } from './job-follower.ts';

const at = { jobId: 'kidney' as JobId, round: 3 };
const siteId = 'charite' as SiteId;
const text = (event: object) => jobEventText(event as WatchedEvent);

describe('a line about an event', () => {
  it('says what happened, in which round, at which site', () => {
    expect(text({ ...at, kind: 'contribution-accepted', siteId, task: 'train', ms: 81_240 })).toBe(
      'round 3: charite: train accepted after 81.2 s',
    );
    expect(text({ ...at, kind: 'evaluated', score: 0.71234, siteScores: {} })).toBe('round 3: validation Dice 0.7123');
    expect(text({ ...at, kind: 'evaluated', score: null, siteScores: {} })).toContain('unknown');
    expect(text({ ...at, kind: 'aggregated', participants: [siteId], weights: 'ab' as BlobId })).toContain('charite');
  });

  it('of a survey names no round', () => {
    const lost = { ...at, round: 0, kind: 'site-lost', siteId, task: 'prepare', code: 'site.worker-ended' };
    expect(text({ ...lost, message: 'Its process was ended by SIGKILL.', again: true })).toBe(
      'charite was lost: Its process was ended by SIGKILL. (site.worker-ended) It is asked again.',
    );
  });

  it('is not written for every step and case, nor for kinds that a newer coordinator may have', () => {
    expect(text({ ...at, kind: 'site-step', siteId, step: 1, of: 9, loss: 1 })).toBeNull();
    expect(text({ ...at, kind: 'site-step', siteId, step: 9, of: 9, loss: 0.5 })).toContain('loss 0.500');
    expect(text(parseEvent({ kind: 'sunrise', jobId: 'kidney' }))).toBeNull();
  });
});
