import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { addReportCommand } from './report-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'consilium-report-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function report(...args: readonly string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  addReportCommand(program);
  return program.parseAsync(['node', 'consilium', 'report', directory, ...args]);
}

describe('consilium report', () => {
  it('says that there is nothing to make a report of, or that it cannot be read', async () => {
    await expect(report()).rejects.toMatchObject({ code: 'cli.no-record' });
    writeFileSync(join(directory, 'record.json'), 'not JSON');
    await expect(report()).rejects.toMatchObject({ code: 'cli.no-record' });
    writeFileSync(join(directory, 'project.json'), '{}');
    await expect(report()).rejects.toMatchObject({ code: 'study.record-malformed' });
  });
});
