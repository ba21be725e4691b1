import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { exampleStudy } from './example-study.ts';

/** Other programs that read what is written here; in CI all of them must be there. */
const peers = {
  dciodvfy: spawnSync('dciodvfy', ['-version']).error === undefined,
  dcmdump: spawnSync('dcmdump', ['--version']).error === undefined,
};
const isCi = process.env['CI'] !== undefined;
for (const [peer, isThere] of Object.entries(peers))
  if (!isThere) console.info(`no ${peer}: install dicom3tools and dcmtk`);

describe('what is written', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-written-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const { ct, segmentation } = await exampleStudy();
  const paths = { ct: join(folder, 'ct.dcm'), segmentation: join(folder, 'seg.dcm') };
  writeFileSync(paths.ct, ct[0]!);
  writeFileSync(paths.segmentation, segmentation);

  test.skipIf(!peers.dciodvfy && !isCi).each(['ct', 'segmentation'] as const)(
    '%s keeps the rules of its kind of object',
    (kind) => {
      const { stdout, stderr } = spawnSync('dciodvfy', [paths[kind]], { encoding: 'utf8' });
      const lines = `${stdout}${stderr}`.split('\n').filter((line) => /^(Error|Warning)/.test(line));
      // Whether the part of the body has sides is not known of a CT: the attribute is there and empty.
      const expected = kind === 'ct' ? [expect.stringContaining('<Laterality>')] : [];
      expect(lines).toEqual(expected);
      expect(`${stdout}${stderr}`).toContain(kind === 'ct' ? 'CTImage' : 'Segmentation');
    },
  );

  test.skipIf(!peers.dcmdump && !isCi).each(['ct', 'segmentation'] as const)(
    '%s is read by dcmtk without a word',
    (kind) => {
      const { status, stdout, stderr } = spawnSync('dcmdump', [paths[kind]], { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(stderr).toBe('');
      expect(stdout.split('\n').filter((line) => /^[WE]:/.test(line))).toEqual([]);
    },
  );
});
