import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ToyDirectory } from '../toy-hospital.fixture.ts';
import { RevokedMembers } from './revoked-members.ts';
import { SigningProject } from './signing.fixture.ts';

const [one, two] = ['ab'.repeat(32), 'cd'.repeat(32)] as const;
let project: SigningProject;
beforeAll(async () => {
  project = await SigningProject.create();
});

function site() {
  const directory = new ToyDirectory();
  onTestFinished(() => directory[Symbol.dispose]());
  const open = () => RevokedMembers.open(directory.path, project);
  return { directory, open };
}

describe('what a site knows of revoked members', () => {
  it('is kept across starts, and grows', async () => {
    const { open } = site();
    const revoked = await open();
    expect([revoked.number, revoked.has(one)]).toEqual([0, false]);
    expect(await revoked.hear(project.revocations([]))).toBe('known');
    expect(await revoked.hear(project.revocations([one]))).toBe('kept');
    expect(await revoked.hear(project.revocations([one]))).toBe('known');
    expect([revoked.has(one), revoked.has(two)]).toEqual([true, false]);
    const later = await open();
    expect(later.has(one.replace(/(.{4})/g, '$1 ').toUpperCase())).toBe(true);
    expect(await later.hear(project.revocations([one, two]))).toBe('kept');
    expect((await open()).number).toBe(2);
  });

  it('is taken back by nobody: not with an older number, not with other keys', async () => {
    const { open } = site();
    const revoked = await open();
    await revoked.hear(project.revocations([one, two]));
    for (const keys of [[], [one], [two, one], [one, 'ef'.repeat(32)], [two, one, 'ef'.repeat(32)]]) {
      expect([keys, await revoked.hear(project.revocations(keys))]).toEqual([keys, 'refused']);
    }
    expect([revoked.has(one), revoked.has(two), (await open()).number]).toEqual([true, true, 2]);
  });

  it('is what the authority of the project has signed, and nothing else', async () => {
    const { directory, open } = site();
    const revoked = await open();
    const other = await SigningProject.create();
    const good = project.revocations([one]);
    const forged = [
      other.revocations([one]),
      project.revocations([one], { project: 'liver' }),
      { ...good, keys: [two] },
      { ...good, number: 2 },
      { ...good, number: 2, keys: [one, two] },
      { ...good, signature: `${'A'.repeat(86)}==` },
    ];
    for (const said of forged) expect(await revoked.hear(said)).toBe('refused');
    expect((await open()).number).toBe(0);
    await revoked.hear(good);
    const path = join(directory.path, 'revocations.json');
    for (const text of [readFileSync(path, 'utf8').replace(one, two), '{}', 'no JSON']) {
      directory.file('revocations.json', text);
      await expect(open()).rejects.toMatchObject({ code: 'site.revocations-unreadable' });
    }
  });
});
