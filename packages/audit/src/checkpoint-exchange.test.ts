/** Two logs that hold each other to what they were. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from './audit-entry.ts';
import { AuditLog } from './audit-log.ts';
import { answerCheckpoint, type CheckpointOffer, exchangeCheckpoints } from './checkpoint-exchange.ts';
import { headsKeptOf, verifyAudit } from './verification.ts';
import type { Alarm } from './witness.ts';

const open = (directory: string) =>
  AuditLog.open(directory, { nowMs: () => 1_700_000_000_000, service: { kind: 'service', id: 'test' } });
const event = (id: string): AuditEvent => ({
  ...{ actor: { kind: 'member', id: 'berta' }, action: 'job.submitted', outcome: 'allowed' },
  subjects: [{ kind: 'job', id }],
});

let root: string;
const at = (name: string) => join(root, name);
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'consilium-witness-'));
  for (const name of ['site', 'coordinator']) {
    using log = await open(at(name));
    for (let n = 0; n < 5; n++) await log.record(event(`job-${n}`));
  }
});
afterEach(() => rmSync(root, { recursive: true }));

/** As over a wire. @returns the new alarms of both. */
async function exchange(
  site: string,
  coordinator: string,
  onTheWay: (offer: CheckpointOffer) => CheckpointOffer = (offer) => offer,
): Promise<{ site: readonly Alarm['code'][]; coordinator: readonly Alarm['code'][] }> {
  using here = await open(at(site));
  using there = await open(at(coordinator));
  const found: Alarm[] = [];
  const alarms = await exchangeCheckpoints(here, 'coordinator', async (offer) => {
    const { alarm, answer } = await answerCheckpoint(there, 'site-1', onTheWay(JSON.parse(JSON.stringify(offer))));
    if (alarm !== null) found.push(alarm);
    return JSON.parse(JSON.stringify(answer));
  });
  return { site: alarms.map(({ code }) => code), coordinator: found.map(({ code }) => code) };
}

async function write(name: string, ...ids: readonly string[]): Promise<void> {
  using log = await open(at(name));
  for (const id of ids) await log.record(event(id));
}
const none = { site: [], coordinator: [] };

/** The same log, with its own key, but another past. */
async function rewrite(name: string, upTo: number, ...ids: readonly string[]): Promise<void> {
  const database = new DatabaseSync(join(at(name), 'log.sqlite'));
  for (const { name: trigger } of database.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all()) {
    database.exec(`DROP TRIGGER ${String(trigger)}`);
  }
  database.exec(`DELETE FROM entry WHERE number >= ${upTo}; DELETE FROM head WHERE size > ${upTo}`);
  database.exec(`DELETE FROM node WHERE (place + 1) * (1 << level) > ${upTo}`);
  database.close();
  await write(name, ...ids);
}

describe('two logs', () => {
  it('agree as they grow, and say nothing of their entries to each other', async () => {
    const travelled: string[] = [];
    const overheard = (offer: CheckpointOffer) => {
      travelled.push(JSON.stringify(offer));
      return offer;
    };
    for (let round = 0; round < 4; round++) {
      expect(await exchange('site', 'coordinator', overheard)).toEqual(none);
      await write('site', ...Array.from({ length: round * 3 }, (_, n) => `site-job-${round}-${n}`));
      await write('coordinator', `coordinator-job-${round}`);
    }
    expect(travelled.join('')).not.toContain('job-');
    for (const name of ['site', 'coordinator']) expect(verifyAudit(at(name)).problems).toEqual([]);
    const kept = headsKeptOf(join(at('coordinator'), 'public.pem'), at('site'));
    expect(kept.length).toBeGreaterThan(2);
    expect(verifyAudit(at('coordinator'), kept)).toMatchObject({ problems: [], compared: kept.length });
  });

  it.each([
    ['rewrites its past', ['x', 'y', 'z', 'u', 'v', 'w', 'q'], 'audit.history-rewritten'],
    ['goes back to an earlier state', [], 'audit.history-shortened'],
  ])('find out when the coordinator %s, and keep saying so', async (_, ids, code) => {
    expect(await exchange('site', 'coordinator')).toEqual(none);
    await rewrite('coordinator', 3, ...ids);
    expect(verifyAudit(at('coordinator')).problems).toEqual([]); // by itself it looks well
    expect((await exchange('site', 'coordinator')).site).toEqual([code]);
    expect((await exchange('site', 'coordinator')).site).toEqual([]); // said once
    const { alarms, problems } = verifyAudit(at('site'));
    expect(problems).toContainEqual(expect.objectContaining({ code }));
    expect(alarms[0]).toMatchObject({ origin: 'coordinator', code });
    const against = verifyAudit(at('coordinator'), headsKeptOf(join(at('coordinator'), 'public.pem'), at('site')));
    expect(against.problems.map((problem) => problem.code)).toContain(code);
  });

  it('find out when a site rewrites its past: the coordinator by its proof, the site by what is kept of it', async () => {
    expect(await exchange('site', 'coordinator')).toEqual(none);
    await rewrite('site', 4, 'x', 'y', 'z', 'u', 'v', 'w', 'q');
    expect(await exchange('site', 'coordinator')).toEqual({
      site: ['audit.own-history-changed'],
      coordinator: ['audit.history-rewritten'],
    });
  });

  it('find out when one is signed by another key, or by none', async () => {
    expect(await exchange('site', 'coordinator')).toEqual(none);
    rmSync(at('site'), { recursive: true });
    await write('site', 'a');
    const { coordinator, site } = await exchange('site', 'coordinator');
    expect([coordinator, site]).toEqual([['audit.key-changed'], ['audit.own-history-changed']]);
    cpSync(at('coordinator'), at('fresh'), { recursive: true });
    const forged = await exchange('site', 'fresh', (offer) => ({ ...offer, head: { ...offer.head, size: 3 } }));
    expect(forged.coordinator).toEqual([]); // that the key is another was said already
    rmSync(at('fresh'), { recursive: true });
    await write('fresh', 'a');
    const anew = await exchange('site', 'fresh', (offer) => ({ ...offer, head: { ...offer.head, size: 3 } }));
    expect(anew.coordinator).toEqual(['audit.head-forged']);
  });

  it('find out when what was kept of another was changed', async () => {
    await exchange('site', 'coordinator');
    await write('coordinator', 'more');
    await exchange('site', 'coordinator');
    const database = new DatabaseSync(join(at('site'), 'log.sqlite'));
    database.exec("DROP TRIGGER witnessed_no_UPDATE; UPDATE witnessed SET path = '[]' WHERE position = 2");
    database.close();
    expect(verifyAudit(at('site')).problems.map(({ code }) => code)).toEqual(['audit.witness-altered']);
  });
});
