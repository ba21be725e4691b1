import type { Submission } from '@consilium/federation';
import type { JobId, SiteId } from '@consilium/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSignedJob } from './signed-job.ts';
import { type Signer, SigningProject } from './signing.fixture.ts';

const submission: Submission = {
  kind: 'survey',
  jobId: 'survey' as JobId,
  participants: ['site-1' as SiteId],
  task: { kind: 'prepare', plan: { patch: [16, 16, 16] } },
  minimumSites: 1,
  stragglerMs: 1000,
  attempts: 1,
};
let project: SigningProject;
let anna: Signer;
let berta: Signer;
const read = (bytes: Uint8Array, nowMs = Date.now()) =>
  readSignedJob(bytes, { project: project.project, authority: project.authority, nowMs });
const invalid = (why: RegExp) =>
  expect.objectContaining({ code: 'site.mandate-invalid', message: expect.stringMatching(why) });

beforeAll(async () => {
  project = await SigningProject.create();
  [anna, berta] = [await project.member('anna'), await project.member('berta')];
});

describe('a signed job', () => {
  it('says who asks for it and who has looked at it, each once', () => {
    const review = project.sign(submission, { as: 'reviewer', by: berta });
    const bytes = project.mandate(submission, [project.sign(submission, { by: anna }), review, review]);
    expect(read(bytes)).toMatchObject({
      submission,
      submitter: { member: 'anna', keyFingerprint: anna.keyFingerprint },
      reviewers: [{ member: 'berta', keyFingerprint: berta.keyFingerprint }],
    });
  });

  it('is good for as long as its certificate was when it was signed, and not before', () => {
    const bytes = project.mandate(submission, [project.sign(submission, { by: anna })]);
    expect(read(bytes, Date.now() + 1000 * 86_400_000).submitter.member).toBe('anna');
    for (const at of ['2020-01-01T00:00:00Z', '2100-01-01T00:00:00Z']) {
      const signed = project.mandate(submission, [project.sign(submission, { by: anna, at })]);
      expect(() => read(signed, Date.parse(at) + 1000), at).toThrow(invalid(/not that of a member/));
    }
    const later = new Date(Date.now() + 3_600_000).toISOString();
    expect(() => read(project.mandate(submission, [project.sign(submission, { by: anna, at: later })]))).toThrow(
      invalid(/in the future/),
    );
  });

  it('that was altered after it was signed is none, whatever was altered', () => {
    const bytes = project.mandate(submission, [project.sign(submission, { by: anna })]);
    const text = new TextDecoder().decode(bytes);
    for (const [from, to] of [
      ['"prepare"', '"fingerprint"'],
      ['[16,16,16]', '[16,16,17]'],
      ['["site-1"]', '["site-1","site-2"]'],
      ['"jobId":"survey"', '"jobId":"another"'],
      ['"as":"submitter"', '"as":"reviewer"'],
    ] as const) {
      expect(text).toContain(from);
      const altered = new TextEncoder().encode(text.replace(from, to));
      expect(() => read(altered), from).toThrow(invalid(/signature of the|no submitter/));
    }
  });

  it('is none that a site, a stranger, or nobody has signed', async () => {
    const site = await project.member('site-2', { role: 'site' });
    const stranger = await (await SigningProject.create()).member('anna');
    for (const by of [site, stranger]) {
      expect(() => read(project.mandate(submission, [project.sign(submission, { by })]))).toThrow(
        invalid(/not that of a member/),
      );
    }
    const forged = { ...project.sign(submission, { by: stranger }), certificate: anna.certificate };
    expect(() => read(project.mandate(submission, [forged]))).toThrow(invalid(/not that of a member/));
    const reviewed = [project.sign(submission, { as: 'reviewer', by: berta })];
    expect(() => read(project.mandate(submission, reviewed))).toThrow(invalid(/no submitter/));
    const twice = [anna, berta].map((by) => project.sign(submission, { by }));
    expect(() => read(project.mandate(submission, twice))).toThrow(invalid(/or several/));
  });

  it('is none of another project, and none that is not a job', () => {
    const signature = project.sign(submission, { by: anna });
    expect(() => read(project.mandate(submission, [signature], { project: 'liver' }))).toThrow(
      invalid(/another project/),
    );
    expect(() => read(new Uint8Array([1, 2, 3]))).toThrow(invalid(/cannot be read/));
    const junk = { hello: 1 } as unknown as Submission;
    expect(() => read(project.mandate(junk, [project.sign(junk, { by: anna })]))).toThrow(invalid(/no job/));
  });
});
