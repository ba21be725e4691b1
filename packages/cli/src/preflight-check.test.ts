import { describe, expect, it } from 'vitest';
import { checkCertificate, checkMemory } from './machine-checks.ts';
import { networkChecks } from './network-checks.ts';
import { resultOf, resultText } from './preflight-check.ts';

const facts = { project: 'kidney', role: 'site', id: 'charite', coordinator: 'https://kidney.example.org' } as const;
const day = 24 * 60 * 60 * 1000;
const certificateAt = (nowMs: number) => checkCertificate({ facts, validity: { fromMs: 0, toMs: 7 * day } }, nowMs);
const gib = 2 ** 30;

describe('a preflight check', () => {
  it('says of a certificate how long it lasts, and what to do when that is not long', () => {
    expect(certificateAt(1 * day)).toMatchObject({ state: 'ok', found: expect.stringContaining('6 days') });
    expect(certificateAt(6 * day)).toMatchObject({ state: 'warning', todo: expect.stringContaining('site start') });
    expect(certificateAt(8 * day)).toMatchObject({ state: 'failed', todo: expect.stringContaining('invitation') });
    expect(certificateAt(-1)).toMatchObject({ state: 'failed', todo: expect.stringContaining('clock') });
  });

  it('weighs memory by what is available', () => {
    expect([0.5, 2, 16].map((free) => checkMemory(free * gib, 32 * gib).state)).toEqual(['failed', 'warning', 'ok']);
  });

  it('that throws is a failure in the error’s own words', async () => {
    const look = () => Promise.reject(Object.assign(new Error('The cable is out.'), { code: 'transport.unreachable' }));
    const result = await resultOf({ name: 'cable', look });
    expect(result).toEqual({
      name: 'cable',
      state: 'failed',
      found: 'The cable is out.',
      code: 'transport.unreachable',
    });
    expect(resultText(result)).toBe('FAILED   cable        The cable is out. (transport.unreachable)');
  });

  it('of the network names the fix for a wrong name and a closed port, of the proxy where there is one', async () => {
    const site = { siteId: 'charite', data: '/data' } as never as { siteId: never; data: string };
    const found = async (name: string, settings: { coordinator: string; proxy?: string }) => {
      const options = {
        settings: {
          ...{ ...site, ...settings, seed: 1, limits: { tasksAtOnce: 1, freeMemoryMb: 0 } },
          secureAggregation: { required: false, thresholdMin: 2 },
        },
        identity: () => Promise.reject(new Error('none')),
        signal: new AbortController().signal,
      };
      return resultOf(networkChecks(options).find((check) => check.name === name)!);
    };
    const unknown = await found('name', { coordinator: 'https://no-such-host.invalid' });
    expect(unknown).toMatchObject({ state: 'failed', todo: expect.stringContaining('DNS') });
    const closed = await found('port', { coordinator: 'https://127.0.0.1:1' });
    expect(closed).toMatchObject({ state: 'failed', found: expect.stringContaining('ECONNREFUSED') });
    const proxy = await found('port', { coordinator: 'https://kidney.example.org', proxy: 'http://127.0.0.1:1' });
    expect(proxy).toMatchObject({ state: 'failed', todo: expect.stringContaining('proxy runs') });
  });
});
