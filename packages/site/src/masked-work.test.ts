import { join } from 'node:path';
import { MemoryStore, type Worker } from '@consilium/federation';
import type { Task } from '@consilium/protocol';
import { CertificateAuthority, createAuthority, IdentityDirectory } from '@consilium/transport';
import { describe, expect, it } from 'vitest';
import { maskedWork } from './masked-work.ts';
import { SecretDirectory } from './secret-directory.ts';
import { parseSiteSettings } from './settings.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const project = 'kidney';
const train = { kind: 'train', jobId: 'job', taskId: 'job/1/train/site-1', attempt: 1, round: 1 } as unknown as Task;
const options = { signal: new AbortController().signal, onProgress: () => {} };

async function workOf(directory: ToyDirectory, siteSettings: object): Promise<Worker & Disposable> {
  const authority = await CertificateAuthority.open(await createAuthority({ project }), { project });
  const coordinator = 'https://127.0.0.1:1';
  const identity = await IdentityDirectory.create(join(directory.path, 'identity'), {
    ...{ project, role: 'site', id: 'site-1', coordinator },
  });
  const certificate = await authority.issueSite({ request: identity.request, id: 'site-1' });
  await identity.admitted({ certificate, authority: authority.certificate });
  const secrets = await SecretDirectory.open(directory.path);
  const settings = parseSiteSettings({ siteId: 'site-1', coordinator, data: 'data', ...siteSettings });
  const worker: Worker = {
    perform: async () => ({ kind: 'prepare', cases: { train: 1, validation: 1, test: 1 }, leftOut: [] }),
  };
  const work = maskedWork({ worker, blobs: new MemoryStore(), secrets, identity, settings });
  return { perform: (...task) => work.perform(...task), [Symbol.dispose]: () => secrets[Symbol.dispose]() };
}

describe('a site whose weights nobody may see alone', () => {
  it('refuses, for good, to train in a job that would show them, and does all else', async () => {
    using directory = new ToyDirectory();
    using work = await workOf(directory, { secureAggregation: { required: true } });
    await expect(work.perform(train, options)).rejects.toMatchObject({
      code: 'site.secure-aggregation-required',
      lasting: true,
    });
    expect(await work.perform({ ...train, kind: 'prepare' } as Task, options)).toMatchObject({ kind: 'prepare' });
  });

  it('refuses to hide among fewer sites than it wants to', async () => {
    using directory = new ToyDirectory();
    using work = await workOf(directory, { secureAggregation: { thresholdMin: 4 } });
    const asked = { ...train, secureAggregation: { threshold: 3 } } as unknown as Task;
    await expect(work.perform(asked, options)).rejects.toMatchObject({ code: 'site.secure-aggregation-required' });
  });

  it('trains in any job where it does not say so', async () => {
    using directory = new ToyDirectory();
    using work = await workOf(directory, {});
    expect(await work.perform(train, options)).toMatchObject({ kind: 'prepare' });
  });
});
