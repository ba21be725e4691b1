/** Steps that are done once: what came of each lies in a file, and is read when it is asked for again. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory, writeDurably } from '@consilium/transport';

/** `path` of a JSON file; what a step gives must be JSON. */
export async function keptStep<T>(path: string, step: () => Promise<T>): Promise<T> {
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as T;
  const result = await step();
  await makeDirectory(dirname(path));
  await writeDurably(path, `${JSON.stringify(result)}\n`);
  return JSON.parse(JSON.stringify(result)) as T;
}

/** How long each stage took, of the run in which it came to its end. */
export class StageTimes {
  readonly #path: string;
  readonly #seconds: Map<string, number>;

  static async open(path: string): Promise<StageTimes> {
    const kept = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as [string, number][]) : [];
    return new StageTimes(path, new Map(kept));
  }

  private constructor(path: string, seconds: Map<string, number>) {
    this.#path = path;
    this.#seconds = seconds;
  }

  get stages(): readonly { readonly name: string; readonly seconds: number }[] {
    return [...this.#seconds].map(([name, seconds]) => ({ name, seconds }));
  }

  /** A stage that was done before is gone through again, which is quick, and keeps its time. */
  async stage<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const result = await work();
    if (!this.#seconds.has(name)) {
      this.#seconds.set(name, Math.round(performance.now() - startMs) / 1000);
      await writeDurably(this.#path, `${JSON.stringify([...this.#seconds])}\n`);
    }
    return result;
  }
}
