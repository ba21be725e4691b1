/**
 * Finished tasks on disk, a file each, until the coordinator has taken them. A task is named in its file; the file's name
 * is a hash, since a task's name is not a file name.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finished, Spool } from '@consilium/federation';
import { contributionSchema, failureSchema, type TaskId, taskSchema } from '@consilium/protocol';
import { makeDirectory, writeWhole } from '@consilium/transport';
import { z } from 'zod';

const finishedSchema = z.object({
  task: taskSchema,
  outcome: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('contribution'), contribution: contributionSchema }),
    z.object({ kind: z.literal('failure'), failure: failureSchema }),
  ]),
});

export class SpoolDirectory implements Spool {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<SpoolDirectory> {
    await makeDirectory(directory);
    // What a crash has left unfinished.
    const drafts = (await readdir(directory)).filter((name) => name.endsWith('.draft'));
    for (const draft of drafts) await rm(join(directory, draft), { force: true });
    return new SpoolDirectory(directory);
  }

  async put(finished: Finished): Promise<void> {
    await writeWhole(this.#path(finished.task.taskId), JSON.stringify(finished));
  }

  async remove(taskId: TaskId): Promise<void> {
    await rm(this.#path(taskId), { force: true });
  }

  /** A file that cannot be read is left out: the task is done again when it is asked for. */
  async list(): Promise<readonly Finished[]> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.json')).sort();
    const files = names.map(async (name) => readFinished(join(this.#directory, name)));
    return (await Promise.all(files)).filter((finished) => finished !== undefined);
  }

  #path(taskId: TaskId): string {
    return join(this.#directory, `${createHash('sha256').update(taskId).digest('hex')}.json`);
  }
}

async function readFinished(path: string): Promise<Finished | undefined> {
  try {
    return finishedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}
