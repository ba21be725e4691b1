/**
 * Records of experiments, as their runners bring them: a file each, `experiments/ID.json`, as it came. The coordinator
 * does not know what they say beyond their heading: the pages read them, by the same code that made them.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '@consilium/protocol';
import { makeDirectory, Refusal, writeDurably } from '@consilium/transport';
import { type Answer, type Read, routes } from '../api.ts';

type Entry = Answer<'experiments'>[number];
type RecordBody = Read<'putExperiment'>['body'];

export class ExperimentShelf {
  readonly #path: string;
  readonly #entries = new Map<string, Entry>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @param directory of the coordinator. What is no record is left where it is, and not shown. */
  static async open(directory: string): Promise<ExperimentShelf> {
    const path = join(directory, 'experiments');
    await makeDirectory(path);
    const shelf = new ExperimentShelf(path);
    for (const file of await readdir(path)) {
      const id = /^(.+)\.json$/.exec(file)?.[1];
      if (id !== undefined && routes.experiment.params.safeParse({ id }).success) await shelf.#look(id);
    }
    return shelf;
  }

  /** The newest first. */
  list(): Entry[] {
    return [...this.#entries.values()].sort((one, other) => (one.storedAt > other.storedAt ? -1 : 1));
  }

  /** @throws Refusal `coordinator.experiment-unknown` */
  async record(id: string): Promise<Json> {
    if (this.#entries.has(id)) return JSON.parse(await readFile(this.#file(id), 'utf8')) as Json;
    throw new Refusal(404, 'coordinator.experiment-unknown', 'There is no experiment of that name here.');
  }

  /** In place of what was there under the name: an experiment that goes on has a longer record. */
  async put(id: string, record: RecordBody): Promise<Entry> {
    await writeDurably(this.#file(id), JSON.stringify(record));
    await this.#look(id);
    return this.#entries.get(id)!;
  }

  async #look(id: string): Promise<void> {
    const text = await readFile(this.#file(id), 'utf8');
    const { data } = routes.putExperiment.body.safeParse(parsedJson(text));
    if (data === undefined) return;
    const { configurations, experiment, runs, synthetic } = data;
    const { name, question } = experiment;
    const storedAt = (await stat(this.#file(id))).mtime.toISOString();
    this.#entries.set(id, {
      ...{ id, name, question, synthetic, storedAt },
      ...{ configurations: configurations.length, runs: runs.length },
    });
  }

  #file(id: string): string {
    return join(this.#path, `${id}.json`);
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
