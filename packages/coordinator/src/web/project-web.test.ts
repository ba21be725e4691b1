/** The pages' service over a real coordinator: who may ask what, what is told, what acts leave in the log. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AuditReader } from '@consilium/audit';
import { epsilonOf, putBlob } from '@consilium/federation';
import { encodeSafetensors, tensor } from '@consilium/numerics';
import { type Permission, permissionsOf, Role } from '@consilium/people';
import { plainEncoding } from '@consilium/protocol';
import { createCertificateRequest, parseInvitation, wallClockMs } from '@consilium/transport';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { routes } from '../api.ts';
import { Coordinator } from '../coordinator.ts';
import { initCoordinator } from '../coordinator-directory.ts';
import { TestProject } from '../project.fixture.ts';
import type { ProjectWeb } from './project-web.ts';
import { webLink } from './project-web.ts';
import { webRouteNeeds } from './route-needs.ts';

const founder = { kind: 'person', id: 'console' } as const;
let project: TestProject;
let web: ProjectWeb;
const cookies = new Map<string, string>();

beforeAll(async () => {
  project = await TestProject.start({}, { web: { port: 0 } });
  web = project.coordinator.web!;
  for (const role of Object.values(Role)) {
    await web.people.accounts.add(founder, { name: role, display: role, roles: [role] });
    await web.people.accounts.setPassword(founder, role, `violet harbour ${role} 7 lanterns`);
    const secret = web.people.sessions.begin(role, { agent: 'test', way: 'password' });
    cookies.set(role, `consilium_coordinator=${secret}`);
  }
});
afterAll(() => project[Symbol.asyncDispose]());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

async function ask(method: Method, url: string, headers: Record<string, string>, body: object = {}) {
  const answer = await web.app.inject({
    ...{ method, url: `/api/v1${url}`, headers },
    ...(method === 'GET' ? {} : { payload: body }),
  });
  const isJson = String(answer.headers['content-type']).includes('json');
  return { status: answer.statusCode, text: answer.body, json: isJson ? answer.json() : undefined };
}
const as = (role: Role) => ({ cookie: cookies.get(role)! });

async function submitJob(jobId: string, participants = ['mainz']): Promise<void> {
  const { board, store } = project.coordinator;
  const weights = encodeSafetensors(new Map([['weight', tensor('float32', [64], new Float32Array(64).fill(0.5))]]));
  await board.submit({
    ...{ kind: 'train', jobId, participants, plan: {}, rounds: { max: 3 }, stepsPerRound: 10, seed: 1 },
    ...{ minimumSites: 1, stragglerMs: 60_000, attempts: 1, stopping: { patience: 2, minimumGain: 0 } },
    ...{ strategy: { kind: 'fed-avg' }, reply: plainEncoding },
    model: await putBlob(store, new Uint8Array([1, 2, 3])),
    initialWeights: await putBlob(store, weights),
    privacy: { kind: 'noisy-update', clipNorm: 1, noiseMultiplier: 2 },
  });
}

describe('the pages’ service', () => {
  it('has exactly the routes of its table, those of people, and no others', () => {
    const made = new Set(web.routes.filter(({ method }) => method !== 'HEAD').map((one) => `${one.method} ${one.url}`));
    expect(made).toEqual(new Set(Object.keys(webRouteNeeds(undefined))));
    expect(Object.keys(routes).length).toBeGreaterThan(18);
  });

  it('lets each role do what its permissions say, and nobody unknown anything', async () => {
    for (const { method, needs, path } of Object.values(routes)) {
      const url = path.replace(/:\w+/g, 'x');
      for (const headers of [{}, { cookie: 'consilium_coordinator=AAAA' }, { authorization: 'Bearer cns_none' }]) {
        expect([path, (await ask(method, url, headers)).status]).toEqual([path, 401]);
      }
      for (const role of Object.values(Role)) {
        const may = permissionsOf([role]).has(needs as Permission);
        // A stream goes on for as long as its page is open.
        if (may && path === '/events') continue;
        const { json, status } = await ask(method, url, as(role));
        const seen = { role, path, may: json?.code !== 'people.not-allowed' };
        expect(seen).toEqual({ role, path, may });
        expect(status).toBeLessThan(500);
      }
    }
  });

  it('gives nothing of a coordinator to the reader of a hospital, and no act to an auditor', () => {
    const mayOf = (role: Role) => Object.values(routes).filter(({ needs }) => permissionsOf([role]).has(needs));
    expect(mayOf('reader')).toEqual([]);
    expect(mayOf('auditor').filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('does not let another page act with a person’s cookie', async () => {
    const headers = { ...as('lead'), 'sec-fetch-site': 'cross-site' };
    const { json } = await ask('POST', '/members/revoke', headers, { role: 'member', id: 'admin' });
    expect(json.code).toBe('people.foreign-page');
  });

  it('invites, shows the key to compare, admits and revokes, and the log names the person', async () => {
    const whom = { role: 'site', id: 'mainz' };
    const invited = await ask('POST', '/invitations', as('lead'), whom);
    const invitation = parseInvitation(invited.json.invitation);
    expect(invitation).toMatchObject({ ...whom, project: 'kidney' });
    expect(invitation.coordinator).toBe(`https://127.0.0.1:${project.coordinator.port}`);
    const { request } = await createCertificateRequest();
    const { fingerprint } = project.coordinator.registry.enrol(invitation.token, request);
    const wrong = await ask('POST', '/members/admit', as('lead'), { ...whom, fingerprint: 'ab'.repeat(32) });
    expect(wrong).toMatchObject({ status: 403, json: { code: 'coordinator.fingerprint-differs' } });
    const admitted = await ask('POST', '/members/admit', as('administrator'), { ...whom, fingerprint });
    expect(admitted.json).toEqual({ ...whom, state: 'admitted', fingerprint });
    expect((await ask('GET', '/overview', as('auditor'))).json.sites).toMatchObject([
      { siteId: 'mainz', state: 'admitted', isConnected: false, cases: null },
    ]);
    expect((await ask('POST', '/members/revoke', as('lead'), whom)).json.state).toBe('revoked');
    using log = AuditReader.open(join(project.directory, 'audit'));
    const acts = log
      .entries({ about: 'mainz', last: 10 })
      .map(({ action, actor, outcome }) => [action, actor.id, outcome]);
    expect(acts).toEqual([
      ['invitation.made', 'lead', 'allowed'],
      ['member.admitted', 'lead', 'allowed'],
      ['member.admitted', 'lead', 'failed'],
      ['member.admitted', 'administrator', 'allowed'],
      ['member.revoked', 'lead', 'allowed'],
    ]);
  });

  it('pauses, resumes and aborts a job in the name of the person, who is in the reason', async () => {
    await project.admit('site', 'mainz'); // anew, and never connected: jobs wait for it
    await submitJob('kidney-1');
    expect((await ask('POST', '/jobs/kidney-1/pause', as('engineer'))).json).toMatchObject({ state: 'paused' });
    expect((await ask('POST', '/jobs/kidney-1/resume', as('engineer'))).json.jobId).toBe('kidney-1');
    const { json } = await ask('POST', '/jobs/kidney-1/abort', as('lead'));
    expect(json).toMatchObject({ state: 'aborted', reason: { text: 'The job was aborted by lead.' } });
    const again = await ask('POST', '/jobs/kidney-1/resume', as('lead'));
    expect(again).toMatchObject({ status: 409, json: { code: 'federation.job-over' } });
    expect(await ask('GET', '/jobs/nothing', as('lead'))).toMatchObject({ status: 404 });
    const told = await ask('GET', '/audit?about=kidney-1&last=2', as('auditor'));
    expect(
      told.json.entries.map(({ action, actor }: { action: string; actor: { id: string } }) => [action, actor.id]),
    ).toEqual([
      ['job.resumed', 'lead'],
      ['job.resumed', 'lead'],
    ]);
  });

  it('tells of a job what its table says', async () => {
    const details = routes.job.answer.parse((await ask('GET', '/jobs/kidney-1', as('auditor'))).json);
    expect(details).toMatchObject({ kind: 'train', state: 'aborted', rounds: { done: 0, max: 3 }, roundList: [] });
    expect(details.training).toMatchObject({ strategy: 'fed-avg', weightsBytes: expect.any(Number) });
    expect(details.training?.privacy).toContain('noise multiplier 2');
    const csv = await ask('GET', '/jobs/kidney-1/metrics.csv', as('lead'));
    expect(csv.text).toMatch(/^job,round,site,validation_dice/);
    for (const name of ['overview', 'jobs', 'matrix', 'fingerprints', 'privacy', 'members', 'audit'] as const) {
      const { json } = await ask('GET', routes[name].path, as('lead'));
      expect(routes[name].answer.safeParse(json).error).toBeUndefined();
    }
  });

  it('tells of rounds who contributed, who was left out and why, and what privacy cost', async () => {
    const { board, store } = project.coordinator;
    await submitJob('kidney-3');
    await board.pause('kidney-3' as never);
    const refusal = { why: 'refused', code: 'site.not-allowed', message: 'Not here.', lasting: true, task: 'train' };
    const round = {
      ...{ round: 1, weights: 'ab'.repeat(32), state: {}, score: 0.5, decision: { kind: 'continue' } },
      trained: [{ siteId: 'mainz', weights: null, askedIn: 1, cases: 12, steps: 10, meanLoss: null, ms: 1500 }],
      evaluated: [{ siteId: 'mainz', cases: 4, score: 0.5 }],
      leftOut: [{ siteId: 'ulm', ...refusal }],
    };
    await store.record('kidney-3' as never, 'round/1/record', round);
    const { json } = await ask('GET', '/jobs/kidney-3', as('lead'));
    expect(json).toMatchObject({ state: 'paused', score: 0.5, best: { round: 1 }, rounds: { done: 1, max: 3 } });
    expect(json.roundList).toMatchObject([{ seconds: 1.5, trained: [{ siteId: 'mainz', bytes: null, cases: 12 }] }]);
    expect((await ask('GET', '/jobs/kidney-3/metrics.csv', as('lead'))).text.split('\r\n').slice(1, 4)).toEqual([
      'kidney-3,1,all,0.5,,,,1.5,',
      'kidney-3,1,mainz,0.5,,12,10,1.5,',
      'kidney-3,1,ulm,,,,,,site.not-allowed',
    ]);
    // All that a site holds may change: its noise counts half.
    const epsilon = epsilonOf([{ samplingRate: 1, noiseMultiplier: 1, steps: 1 }], 1e-5);
    const told = (await ask('GET', '/privacy', as('auditor'))).json;
    expect(told.sites).toEqual([{ siteId: 'mainz', epsilon, jobs: [{ jobId: 'kidney-3', trainings: 1, epsilon }] }]);
    expect(told.refusals).toMatchObject([{ siteId: 'ulm', jobId: 'kidney-3', round: 1, code: 'site.not-allowed' }]);
  });

  it('lists a job that has failed twice as it is now', async () => {
    const { board, store } = project.coordinator;
    const jobId = 'kidney-5' as never;
    const listed = async () => {
      await vi.waitUntil(() => board.status(jobId).state === 'failed');
      const entries = (await ask('GET', '/jobs', as('lead'))).json as { jobId: string; rounds: object }[];
      return entries.find((entry) => entry.jobId === jobId)?.rounds;
    };
    await submitJob(jobId, ['nowhere']);
    expect(await listed()).toEqual({ done: 0, max: 3 });
    const round = { round: 1, weights: 'ab'.repeat(32), state: {}, score: 0.5, decision: { kind: 'continue' } };
    await store.record(jobId, 'round/1/record', { ...round, trained: [], evaluated: [], leftOut: [] });
    await board.resume(jobId);
    expect(await listed()).toEqual({ done: 1, max: 3 });
  });

  it('tells which sites have to decide about a task, until they have', async () => {
    const { board, events } = project.coordinator;
    await submitJob('kidney-4');
    await vi.waitUntil(() => board.status('kidney-4' as never).state === 'running');
    const at = { jobId: 'kidney-4', round: 1, siteId: 'mainz', task: 'train' } as never as { jobId: never };
    const waiting = async () => (await ask('GET', '/privacy', as('lead'))).json.waiting;
    events.add({ kind: 'site-waiting', for: 'approval', ...at } as never);
    expect(await waiting()).toMatchObject([{ siteId: 'mainz', jobId: 'kidney-4', task: 'train' }]);
    events.add({ kind: 'contribution-accepted', ms: 1, ...at } as never);
    expect(await waiting()).toEqual([]);
  });

  it('keeps records of experiments, by a token for that alone', async () => {
    const { secret } = await web.people.tokens.make(founder, 'engineer', {
      ...{ name: 'runner', scopes: ['experiment.write'], days: 1 },
    });
    const bearer = { authorization: `Bearer ${secret}` };
    const record = {
      version: 1,
      experiment: { name: 'widths' },
      synthetic: true,
      configurations: [{}],
      runs: [{}, {}],
    };
    expect((await ask('PUT', '/experiments/widths-1', bearer, { version: 2 })).json.code).toBe(
      'coordinator.bad-request',
    );
    const put = await ask('PUT', '/experiments/widths-1', bearer, { ...record, more: 'kept' });
    expect(put.json).toMatchObject({ id: 'widths-1', name: 'widths', question: '', configurations: 1, runs: 2 });
    expect((await ask('GET', '/experiments', bearer)).status).toBe(403);
    expect((await ask('GET', '/experiments', as('lead'))).json).toEqual([put.json]);
    expect((await ask('GET', '/experiments/widths-1', as('lead'))).json).toMatchObject({ more: 'kept' });
    const missing = await ask('GET', '/experiments/other', as('lead'));
    expect(missing).toMatchObject({ status: 404, json: { code: 'coordinator.experiment-unknown' } });
  });

  it('writes what a publication says into a file, and names the field that is wrong', async () => {
    const publication = {
      ...{ title: 'Kidney tumours on CT', description: 'A model.', version: '1.0.0', date: '2026-11-26' },
      authors: [{ name: 'A. Example', orcid: 'https://orcid.org/0000-0002-1825-0097', affiliation: 'Mainz' }],
      ...{ licence: 'CC-BY-4.0', intendedUse: 'Research.', limitations: ['Adults only.'] },
    };
    const bad = await ask('PUT', '/publication', as('lead'), { ...publication, licence: 'my own' });
    expect(bad.json).toMatchObject({ code: 'coordinator.bad-request', message: expect.stringContaining('"licence"') });
    const { json } = await ask('PUT', '/publication', as('lead'), publication);
    expect(readFileSync(json.file, 'utf8')).toContain('title: Kidney tumours on CT');
    expect((await ask('GET', '/publication', as('auditor'))).json).toEqual({ publication, file: json.file });
  });

  it('tells what happens to a page that listens, and no more once its session has ended', async () => {
    const account = Role.dataManager;
    const secret = web.people.sessions.begin(account, { agent: 'test', way: 'password' });
    const headers = { cookie: `consilium_coordinator=${secret}` };
    const answer = await fetch(`${web.url}/api/v1/events`, { headers });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    await submitJob('kidney-2');
    let heard = '';
    while (!heard.includes('kidney-2')) heard += (await reader.read()).value ?? '';
    expect(heard).toContain('"event":"job-started"');
    web.people.sessions.endAll(account);
    await project.coordinator.board.abort('kidney-2' as never, 'test');
    let isOver = false;
    while (!isOver) isOver = (await reader.read()).done;
    expect(isOver).toBe(true);
  });
});

describe('a coordinator with pages', () => {
  it('has a link that lets its owner in, as long as it runs', async () => {
    const link = new URL((await webLink(project.directory))!);
    const token = link.hash.replace('#token=', '');
    const { json } = await ask('GET', '/session', { authorization: `Bearer ${token}` });
    expect(json).toMatchObject({ name: 'console', by: 'directory' });
    expect(await webLink(join(project.directory, 'audit'))).toBeUndefined();
  });

  it('demands a second factor of whom its settings name', async () => {
    const directory = join(project.directory, 'strict');
    const listen = { host: '127.0.0.1', port: 0 };
    await initCoordinator(directory, { project: 'strict', names: ['127.0.0.1'], listen }, { nowMs: wallClockMs });
    const settings = { port: 0, secondFactor: { requiredFor: [Role.lead] } };
    await using strict = await Coordinator.start(directory, { overrides: { web: settings } });
    const { app, people } = strict.web!;
    for (const role of [Role.lead, Role.auditor]) {
      await people.accounts.add(founder, { name: role, display: role, roles: [role] });
      await people.accounts.setPassword(founder, role, `violet harbour ${role} 7 lanterns`);
    }
    const overview = async (role: Role) => {
      const secret = people.sessions.begin(role, { agent: 'test', way: 'password' });
      const headers = { cookie: `consilium_coordinator=${secret}` };
      return (await app.inject({ method: 'GET', url: '/api/v1/overview', headers })).json();
    };
    expect((await overview(Role.lead)).code).toBe('people.second-factor-wanted');
    expect((await overview(Role.auditor)).code).toBeUndefined();
  });

  it('is not started beside what has its port, or with a token that others may read', async () => {
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
    const { port } = taken.address() as { port: number };
    const directory = join(project.directory, 'other');
    const listen = { host: '127.0.0.1', port: 0 };
    await initCoordinator(directory, { project: 'other', names: ['127.0.0.1'], listen }, { nowMs: wallClockMs });
    const start = (web: object) => Coordinator.start(directory, { overrides: { web } });
    await expect(start({ port })).rejects.toThrow(expect.objectContaining({ code: 'coordinator.web-port' }));
    await new Promise((closed) => taken.close(closed));
    chmodSync(join(directory, 'web.token'), 0o644);
    await expect(start({ port: 0 })).rejects.toThrow(expect.objectContaining({ code: 'coordinator.web-file' }));
    chmodSync(join(directory, 'web.token'), 0o600);
    writeFileSync(join(directory, 'web.token'), 'short');
    await expect(start({ port: 0 })).rejects.toThrow(expect.objectContaining({ code: 'coordinator.web-file' }));
    await expect(start({ port: 0, address: '0.0.0.0' })).rejects.toThrow(/tls/);
  });
});
