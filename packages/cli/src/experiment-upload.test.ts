/** A record on its way to the pages of a coordinator. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Coordinator, initCoordinator } from '@consilium/coordinator';
import type { ExperimentRecord } from '@consilium/study';
import { wallClockMs } from '@consilium/transport';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uploadRecord } from './experiment-upload.ts';

const directory = mkdtempSync(join(tmpdir(), 'consilium-upload-'));
const founder = { kind: 'person', id: 'console' } as const;
/** The coordinator looks at the heading alone. */
const record = {
  ...{ version: 1, experiment: { name: 'widths', question: 'Wider?' }, synthetic: true },
  ...{ configurations: [{}], runs: [] },
} as unknown as ExperimentRecord;
let coordinator: Coordinator;
let token: string;

beforeAll(async () => {
  const listen = { host: '127.0.0.1', port: 0 };
  await initCoordinator(directory, { project: 'kidney', names: ['127.0.0.1'], listen }, { nowMs: wallClockMs });
  coordinator = await Coordinator.start(directory, { overrides: { web: { port: 0 } } });
  const { accounts, tokens } = coordinator.web!.people;
  await accounts.add(founder, { name: 'emil', display: 'Emil', roles: ['engineer'] });
  token = (await tokens.make(founder, 'emil', { name: 'runner', scopes: ['experiment.write'], days: 1 })).secret;
});
afterAll(async () => {
  await coordinator[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

describe('a record of an experiment', () => {
  const to = () => coordinator.web!.url;
  const failing = (code: string, text: RegExp) =>
    expect.objectContaining({ code, message: expect.stringMatching(text) });

  it('is brought to the pages with a token for that', async () => {
    await uploadRecord(record, { name: 'widths', to: `${to()}/`, token });
    const { url } = coordinator.web!;
    const answer = await fetch(`${url}/api/v1/experiments`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(403); // the token may bring records in, and nothing else
    await uploadRecord(record, { name: 'widths', to: to(), token }); // again, in its place
  });

  it('is not taken without a token, with a wrong one, in a wrong form, or where nobody is, and it is said why', async () => {
    const upload = (more: object) => uploadRecord(record, { name: 'widths', to: to(), token, ...more });
    await expect(upload({ token: undefined })).rejects.toThrow(failing('cli.token-wanted', /CONSILIUM_TOKEN/));
    await expect(upload({ token: 'cns_no' })).rejects.toThrow(failing('cli.upload-failed', /people\.login-wanted/));
    await expect(upload({ name: 'Not A Name' })).rejects.toThrow(failing('cli.upload-failed', /"id"/));
    await expect(upload({ to: 'http://127.0.0.1:9' })).rejects.toThrow(failing('cli.upload-failed', /does not answer/));
  });
});
