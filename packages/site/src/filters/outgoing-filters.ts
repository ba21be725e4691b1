/**
 * A site's filters on what leaves it. They hold in every job and nothing that a job says turns them off; a contribution
 * names them, so that researchers know. Their chance comes from a secret of the site's own and from exactly what is filtered:
 * a task that is done again gives the same bytes, and no two releases share their noise.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { encodeSafetensors, type NoiseSource, tensor, type Weights } from '@consilium/numerics';
import type { Task } from '@consilium/protocol';
import { z } from 'zod';
import { readJson, writeJsonDurably } from '../json-file.ts';
import { keyedNoise } from '../keyed-noise.ts';
import { secretBytes } from '../ports/secret-bytes.ts';
import { SiteError } from '../site-error.ts';
import type { FilterSpec, WeightFilter } from './filter-spec.ts';
import { type FilterChance, filteredMovement, type Movement } from './filtered-movement.ts';

export interface FilteredWeights {
  readonly weights: Weights;
  /** In their order; empty where the site has none. */
  readonly names: readonly string[];
}

/** Whether a loss, which is as telling as a gradient, stays at the site. */
export function keepsLoss(filters: readonly FilterSpec[]): boolean {
  return filters.some((filter) => filter.kind === 'block' && filter.contributions.includes('loss'));
}

/** Whether what others rely on, noise say, may not be whole any more when it leaves. */
export function takesNoise(filters: readonly FilterSpec[]): boolean {
  return filters.some(({ kind }) => kind !== 'block' && kind !== 'noise');
}

/** @throws SiteError `site.payload-blocked`, before anything is done for the task */
export function requireUnblocked(task: Task, filters: readonly FilterSpec[]): void {
  const blocked = filters.flatMap((filter) => (filter.kind === 'block' ? filter.contributions : []));
  const kind = (blocked as readonly string[]).includes(task.kind) ? task.kind : null;
  const control = task.kind === 'train' && task.control !== null && blocked.includes('control') ? 'control' : null;
  const what = kind ?? control;
  if (what === null) return;
  throw new SiteError('site.payload-blocked', `This site lets no answer of the kind "${what}" out.`, { lasting: true });
}

/**
 * @param sent what the site was to begin with, and others have too
 * @param steps gradient steps that were taken
 * @param work names the piece of work
 */
export async function filterWeights(
  trained: Weights,
  {
    filters,
    sent,
    steps,
    work,
    workDirectory,
  }: {
    readonly filters: readonly FilterSpec[];
    readonly sent: Weights;
    readonly steps: number;
    readonly work: string;
    readonly workDirectory: string;
  },
): Promise<FilteredWeights> {
  const wanted = filters.filter((filter): filter is WeightFilter => filter.kind !== 'block');
  if (wanted.length === 0) return { weights: trained, names: [] };
  const secret = await ownSecret(workDirectory);
  const about = createHash('sha256').update(encodeSafetensors(trained)).update(encodeSafetensors(sent)).digest('hex');
  let movement: Movement = new Map(
    [...trained].map(([name, { data }]) => {
      const base = sent.get(name)!.data;
      return [name, Float64Array.from(data as Float64Array, (value, index) => value - Number(base[index]))];
    }),
  );
  wanted.forEach((filter, index) => {
    const use = `filter ${index} ${JSON.stringify(filter)} ${work} ${about}`;
    movement = filteredMovement(movement, filter, {
      steps: Math.max(1, steps),
      chance: chanceOf(keyedNoise(secret, use)),
    });
  });
  const weights = new Map(
    [...trained].map(([name, { dtype, shape }]) => {
      const base = sent.get(name)!.data;
      const values = movement.get(name)!.map((value, index) => value + Number(base[index]));
      return [
        name,
        dtype === 'float64' ? tensor(dtype, shape, values) : tensor('float32', shape, Float32Array.from(values)),
      ];
    }),
  );
  return { weights, names: wanted.map(({ kind }) => kind) };
}

export function chanceOf(noise: NoiseSource): FilterChance {
  const uniform = (): number => (noise.seed() + 0.5) / 2 ** 47;
  return {
    addGaussian: (values, deviation) => noise.addGaussian(values, deviation),
    laplace: (scale) => {
      const place = uniform() - 0.5;
      return -scale * Math.sign(place) * Math.log(1 - 2 * Math.abs(place));
    },
    integer: (below) => Math.floor(uniform() * below),
  };
}

const secretSchema = z.object({ secret: z.base64() });

/** Made once and never sent: with it, the noise could be taken off again. */
async function ownSecret(workDirectory: string): Promise<Uint8Array> {
  const path = join(workDirectory, 'filter-secret.json');
  const kept = await readJson(path);
  if (kept !== undefined) return new Uint8Array(Buffer.from(secretSchema.parse(kept).secret, 'base64'));
  const secret = secretBytes(32);
  await writeJsonDurably(path, { secret: Buffer.from(secret).toString('base64') });
  return secret;
}
