import type { Privacy } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { jobSchema } from '../job.ts';
import { simulate, simulatedJob, siteIds } from '../simulator/simulation.ts';

const privacy: Privacy = { kind: 'dp-sgd', clipNorm: 1, noiseMultiplier: 1.1, samplingRate: 0.25 };

describe('a job that offers privacy', () => {
  it('says so in every training task, and in no other', async () => {
    const { outcome, sites } = await simulate({ job: { privacy } });
    expect(outcome.state).toBe('completed');
    for (const siteId of siteIds) {
      const tasks = sites.get(siteId)!.log;
      expect(tasks.filter(({ kind }) => kind === 'train').length).toBeGreaterThan(1);
      for (const task of tasks) {
        if (task.kind === 'train') expect(task.privacy).toEqual(privacy);
        else expect(task).not.toHaveProperty('privacy');
      }
    }
    const plain = await simulate({});
    for (const task of plain.sites.get(siteIds[0]!)!.log) expect(task).not.toHaveProperty('privacy');
  });

  it.each<[string, object]>([
    ['noise that is none', { ...privacy, noiseMultiplier: 0 }],
    ['a patient more than always', { ...privacy, samplingRate: 1.5 }],
    ['a norm of nothing', { ...privacy, clipNorm: 0 }],
    ['a word that is misspelt', { ...privacy, noiseMultipler: 2 }],
    ['a kind that nobody knows', { kind: 'trust-me' }],
    ['a quantile beyond all', { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 1, adaptive: { quantile: 2 } }],
  ])('is refused with %s', (_, wrong) => {
    expect(jobSchema.safeParse({ ...simulatedJob(), privacy }).success).toBe(true);
    expect(jobSchema.safeParse({ ...simulatedJob(), privacy: wrong }).success).toBe(false);
  });
});
