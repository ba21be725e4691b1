/**
 * What a site keeps of a job from round to round and never sends: tensors that stay here (FedBN), its control variate
 * (SCAFFOLD), its own model (Ditto), what rounding lost (int8), how far its noisy updates may reach (adaptive clipping). One file a round; a round reads the newest of those before
 * it, so that doing it again gives the same.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors, type Tensor, type Weights } from '@consilium/numerics';
import type { JobId } from '@consilium/protocol';
import { writeDurably } from '@consilium/transport';

const parts = ['kept', 'control', 'personal', 'residual', 'clip'] as const;
type Part = (typeof parts)[number];
/** Empty where there is nothing. */
export type Memory = Readonly<Record<Part, Weights>>;

const none: Weights = new Map();
const nothing: Memory = { kept: none, control: none, personal: none, residual: none, clip: none };

export class JobMemory {
  readonly #directory: string;

  constructor(workDirectory: string, jobId: JobId) {
    this.#directory = join(workDirectory, 'jobs', jobId);
  }

  /** As the newest round before `round` left it; of any round, if none is named. */
  async recall(round = Number.POSITIVE_INFINITY): Promise<Memory> {
    const newest = Math.max(...(await this.#rounds()).filter((each) => each < round));
    if (!Number.isFinite(newest)) return nothing;
    const { tensors } = decodeSafetensors(await readFile(this.#path(newest)));
    const under = (part: Part): Weights =>
      new Map(
        [...tensors].flatMap(([name, value]) =>
          name.startsWith(`${part}/`) ? [[name.slice(part.length + 1), value]] : [],
        ),
      );
    return {
      kept: under('kept'),
      control: under('control'),
      personal: under('personal'),
      residual: under('residual'),
      clip: under('clip'),
    };
  }

  /** Durable when it resolves. What only rounds before the one before could want is forgotten. */
  async keep(round: number, memory: Memory): Promise<void> {
    const tensors = new Map(
      parts.flatMap((part) => [...memory[part]].map(([name, value]): [string, Tensor] => [`${part}/${name}`, value])),
    );
    const before = (await this.#rounds()).filter((each) => each < round);
    if (tensors.size === 0 && before.length === 0) return;
    await mkdir(this.#directory, { recursive: true });
    await writeDurably(this.#path(round), encodeSafetensors(tensors));
    const last = Math.max(...before);
    for (const each of before) if (each !== last) await rm(this.#path(each), { force: true });
  }

  async #rounds(): Promise<number[]> {
    const names = await readdir(this.#directory).catch(() => []);
    return names.flatMap((name) => /^(\d+)\.safetensors$/.exec(name)?.[1] ?? []).map(Number);
  }

  #path(round: number): string {
    return join(this.#directory, `${round}.safetensors`);
  }
}
