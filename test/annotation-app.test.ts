/** The guide about annotation apps: every command of it is typed, every file of it is written, in their order. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { decodeRuns } from '@consilium/reading/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandProcess } from './command.fixture.ts';

const root = resolve(import.meta.dirname, '..');
const guide = readFileSync(join(root, 'docs/guides/annotation-app.md'), 'utf8');
const run = promisify(execFile);

interface Block {
  readonly kind: string;
  /** What follows the language: a file's path, or `background`. */
  readonly name: string;
  readonly text: string;
}
const blocks: readonly Block[] = [...guide.matchAll(/^```(\w+) ?(.*)\n([\s\S]*?)^```$/gm)].map(
  ([, kind, name, text]) => ({ kind: kind!, name: name!, text: text! }),
);

let directory: string;
let service: CommandProcess | undefined;
let url = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'consilium-guide-'));
  const main = join(root, 'packages/cli/src/main.ts');
  const command = `#!/bin/sh\nexec "${process.execPath}" --conditions=consilium-source --disable-warning=ExperimentalWarning "${main}" "$@"\n`;
  writeFileSync(join(directory, 'consilium'), command);
  chmodSync(join(directory, 'consilium'), 0o755);
});
afterAll(async () => {
  await service?.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

async function typed(text: string): Promise<string> {
  const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}` };
  const { stdout } = await run('bash', ['-e', '-c', text.replaceAll('http://127.0.0.1:8042', url)], {
    cwd: directory,
    env,
  });
  return stdout;
}

it('makes an app, a project of it, its cases, and an answer of its own tool', async () => {
  const said: string[] = [];
  for (const { kind, name, text } of blocks) {
    if (kind !== 'sh') {
      writeFileSync(join(directory, name), text);
    } else if (name === 'background') {
      // On whichever port is free.
      const path = join(directory, 'archive/archive.yaml');
      writeFileSync(path, readFileSync(path, 'utf8').replace('port: 8042', 'port: 0'));
      const started = new CommandProcess([...text.trim().split(' ').slice(1), '--json'], { cwd: directory });
      service = started;
      url = await started.until(({ lines }) => lines.find(({ event }) => event === 'listening')?.['url'] as string);
    } else {
      said.push(await typed(text));
    }
  }
  expect(blocks.map(({ kind }) => kind)).toEqual(['sh', 'sh', 'yaml', 'js', 'sh', 'sh', 'sh', 'sh', 'sh']);
  const [, made, checked, offered, tool, applied] = said;
  expect(made).toContain('liver-lesions holds an app');
  expect(checked).toContain('draws Liver, Lesion');
  expect(offered).toContain('made from the app "liver-lesions"');
  const cases = JSON.parse(readFileSync(join(directory, 'cases.json'), 'utf8')) as { tasks: string[] }[];
  expect(cases.map(({ tasks }) => tasks.length)).toEqual([2, 2, 2]);
  const { first, last, runs } = JSON.parse(tool!) as Record<'first' | 'last', [number, number, number]> & {
    runs: string;
  };
  const [depth, rows, columns] = last.map((at, axis) => at - first[axis]! + 1) as [number, number, number];
  const mask = decodeRuns(Buffer.from(runs, 'base64'), depth * rows * columns);
  // What was marked is as bright as itself.
  const [z, y, x] = [8 - first[0], 20 - first[1], 20 - first[2]];
  expect(mask[(z * rows + y) * columns + x]).toBe(1);
  expect(mask).toContain(0);
  expect(JSON.parse(applied!)).toEqual({ version: 2 });
});
