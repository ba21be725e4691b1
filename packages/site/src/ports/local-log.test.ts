import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ToyDirectory } from '../toy-hospital.fixture.ts';
import { openLocalLog } from './local-log.ts';

describe('the log of a site', () => {
  it('holds a line of JSON for each event, with its time', () => {
    using directory = new ToyDirectory();
    const path = join(directory.path, 'work/log.jsonl');
    const log = openLocalLog(path);
    log.write('started', { siteId: 'site-1' });
    log.write('stopped');
    const lines = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([{ event: 'started', siteId: 'site-1' }, { event: 'stopped' }]);
    expect(lines[0]).toHaveProperty('time', expect.stringMatching(/^\d{4}-.*Z$/));
  });

  it('never fills a disk: old files are numbered, and the oldest go', () => {
    using directory = new ToyDirectory();
    const log = openLocalLog(join(directory.path, 'log.jsonl'), { bytesMax: 1000, kept: 2 });
    for (let line = 0; line < 500; line++) log.write('disconnected', { line });
    const names = readdirSync(directory.path).sort();
    expect(names).toEqual(['log.1.jsonl', 'log.2.jsonl', 'log.jsonl']);
    for (const name of names) expect(statSync(join(directory.path, name)).size).toBeLessThan(1200);
    const newest = readFileSync(join(directory.path, 'log.jsonl'), 'utf8').trim().split('\n').at(-1)!;
    expect(JSON.parse(newest)).toMatchObject({ line: 499 });
    const lineOf = (name: string) =>
      (JSON.parse(readFileSync(join(directory.path, name), 'utf8').split('\n')[0]!) as { line: number }).line;
    expect(lineOf('log.2.jsonl')).toBeLessThan(lineOf('log.1.jsonl'));
    expect(lineOf('log.1.jsonl')).toBeLessThan(lineOf('log.jsonl'));
  });

  it('that cannot be written stops nothing', () => {
    using directory = new ToyDirectory();
    directory.file('log.jsonl/is-a-directory');
    expect(() => openLocalLog(join(directory.path, 'log.jsonl'), { bytesMax: 1 }).write('started')).not.toThrow();
    expect(() => openLocalLog('/dev/null/log.jsonl').write('started')).not.toThrow();
  });
});
