import { fork } from 'node:child_process';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finished } from '@consilium/federation';
import { describe, expect, it } from 'vitest';
import { SpoolDirectory } from './spool-directory.ts';
import { finishedTask } from './spooled-task.fixture.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const failed: Finished = {
  task: finishedTask(2).task,
  outcome: { kind: 'failure', failure: { code: 'site.aborted', message: 'No.', lasting: false } },
};
const rounds = (list: readonly Finished[]) =>
  list.map(({ task }) => (task.kind === 'train' ? task.round : 0)).sort((one, other) => one - other);

describe('the spool of a site', () => {
  it('holds what was put there, in the next life too, until it is removed', async () => {
    using directory = new ToyDirectory();
    const spool = await SpoolDirectory.open(join(directory.path, 'spool'));
    expect(await spool.list()).toEqual([]);
    await spool.put(finishedTask(1));
    await spool.put(failed);
    const next = await SpoolDirectory.open(join(directory.path, 'spool'));
    expect(await next.list()).toHaveLength(2);
    expect(await next.list()).toEqual(expect.arrayContaining([finishedTask(1), failed]));
    await next.remove(failed.task.taskId);
    await next.remove(failed.task.taskId);
    expect(await next.list()).toEqual([finishedTask(1)]);
  });

  it('holds the last of what was put there for a task', async () => {
    using directory = new ToyDirectory();
    const spool = await SpoolDirectory.open(directory.path);
    await spool.put(finishedTask(2));
    await spool.put(failed);
    expect(await spool.list()).toEqual([failed]);
  });

  it('leaves out a file that is damaged, cut anywhere, or none of its own, and keeps the rest', async () => {
    using directory = new ToyDirectory();
    const spool = await SpoolDirectory.open(directory.path);
    await spool.put(finishedTask(1));
    const [name] = readdirSync(directory.path);
    const whole = readFileSync(join(directory.path, name!));
    for (const length of [0, 1, whole.length / 2, whole.length - 1]) {
      truncateSync(join(directory.path, name!), Math.floor(length));
      expect(await spool.list()).toEqual([]);
      writeFileSync(join(directory.path, name!), whole);
    }
    for (const text of ['null', '[]', '{"task":{}}', whole.toString().replace('"train"', '"explode"')]) {
      writeFileSync(join(directory.path, 'other.json'), text);
      expect(await spool.list()).toEqual([finishedTask(1)]);
    }
    writeFileSync(join(directory.path, 'a-note'), whole);
    expect(await spool.list()).toEqual([finishedTask(1)]);
  });

  it('loses nothing that was durable when the process is killed, and holds nothing by halves', async () => {
    using directory = new ToyDirectory();
    const spool = await SpoolDirectory.open(directory.path);
    for (let life = 1; life <= 4; life++) {
      const writer = fork(new URL('./spool-writer.fixture.ts', import.meta.url), [directory.path], {
        execArgv: ['--conditions=consilium-source'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      let durable = 0;
      await new Promise<void>((resolve, reject) => {
        writer.once('error', reject);
        writer.once('exit', () => resolve());
        writer.on('message', (round) => {
          durable = Number(round);
          if (durable >= 10 * life + life) writer.kill('SIGKILL');
        });
      });
      const list = await spool.list();
      expect(rounds(list).slice(0, durable)).toEqual(Array.from({ length: durable }, (_, index) => index + 1));
      for (const finished of list) expect(finished).toEqual(finishedTask(rounds([finished])[0]!));
      await SpoolDirectory.open(directory.path);
      expect(readdirSync(directory.path)).toHaveLength(list.length);
    }
  });
});
