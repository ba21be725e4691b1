/**
 * Prepared cases on disk, so that a scan is decoded and resampled once. An entry is named by the SHA-256 of everything
 * that decides its bytes: the case's files, the part of the plan that matters, and this code's version. Nothing in the
 * cache is ever changed; an entry that does not read back is made again.
 *
 * An entry is 32 bytes SHA-256 of the rest, then safetensors. It is written beside its place, synced and renamed, so a
 * process that dies leaves either no entry or a whole one.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors, type Tensor, tensor } from '@consilium/numerics';
import { type CacheFiles, nodeCacheFiles } from './cache-files.ts';
import type { Case, CaseSource } from './case.ts';
import type { ContrastPhase } from './contrast-phase.ts';
import { normalisationFor } from './normalisation.ts';
import {
  type ForegroundVoxels,
  outsideValue,
  type PreparationPlan,
  type PreparedCase,
  preprocess,
} from './preprocess.ts';
import { TrainingError } from './training-error.ts';

/** Raised whenever `preprocess` gives other bytes for the same case and plan. */
const preparationVersion = 1;
const digestBytes = 32;

export class PreparedCache {
  readonly #directory: string;
  readonly #files: CacheFiles;

  constructor(directory: string, files: CacheFiles = nodeCacheFiles) {
    this.#directory = directory;
    this.#files = files;
  }

  /**
   * The prepared case, from the cache or made now.
   * @throws TrainingError as `preprocess`; `training.disk-full`, `training.cache-not-writable`
   */
  async get(source: CaseSource, plan: PreparationPlan): Promise<PreparedCase> {
    const path = join(this.#directory, `${preparedKey(await source.contentSha256(), plan, source.phase)}.prepared`);
    const stored = await this.#files.read(path);
    const known =
      stored === undefined ? undefined : decodePrepared(stored, source.id, outsideValue(plan, source.phase));
    if (known !== undefined) return known;
    const prepared = preprocess(withPhase(await source.load(), source.phase), plan);
    await this.#write(path, encodePrepared(prepared));
    return prepared;
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#files.writeWhole(path, bytes);
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
      const detail = `${path}: ${reason}`;
      if (reason === 'ENOSPC' || reason === 'EDQUOT') {
        throw new TrainingError(
          'training.disk-full',
          'The disk that holds the prepared cases is full. Free space there or choose another work directory, then go on: nothing is lost.',
          { detail, cause },
        );
      }
      throw new TrainingError(
        'training.cache-not-writable',
        'A prepared case could not be written. Check that the work directory exists and may be written to.',
        { detail, cause },
      );
    }
  }
}

/** What the key was made with decides. */
function withPhase({ phase: _, ...rest }: Case, phase: ContrastPhase | undefined): Case {
  return phase === undefined ? rest : { ...rest, phase };
}

/**
 * The cache key, hexadecimal: depends on the case's content and on nothing of the plan that preparation ignores. A phase
 * decides by its normalisation alone.
 */
function preparedKey(contentSha256: string, plan: PreparationPlan, phase: ContrastPhase | undefined): string {
  const { spacingMm, classes } = plan;
  const values = classes.map(({ value }) => value).sort((a, b) => a - b);
  const { clipHu, mean, std } = normalisationFor(plan, phase);
  const key = [preparationVersion, contentSha256, spacingMm, clipHu, mean, std, values];
  return createHash('sha256').update(JSON.stringify(key)).digest('hex');
}

function encodePrepared({ geometry, original, image, label, foreground }: PreparedCase): Uint8Array {
  const [z, y, x] = geometry.size;
  const tensors = new Map<string, Tensor>([
    ['image', tensor('float32', [z, y, x], image)],
    ...foreground.map(({ value, indices }): [string, Tensor] => [
      `foreground.${value}`,
      tensor('int32', [indices.length], new Int32Array(indices)),
    ]),
    ['label', tensor('uint8', [z, y, x], label)],
  ]);
  const content = encodeSafetensors(tensors, {
    geometry: JSON.stringify(geometry),
    original: JSON.stringify(original),
  });
  const bytes = new Uint8Array(digestBytes + content.length);
  bytes.set(createHash('sha256').update(content).digest());
  bytes.set(content, digestBytes);
  return bytes;
}

/** Undefined if a single bit is not as it was written. */
function decodePrepared(bytes: Uint8Array, id: string, outside: number): PreparedCase | undefined {
  const content = bytes.subarray(digestBytes);
  const digest = createHash('sha256').update(content).digest();
  if (bytes.length < digestBytes || !digest.equals(bytes.subarray(0, digestBytes))) return undefined;
  const { tensors, metadata } = decodeSafetensors(content);
  const foreground: ForegroundVoxels[] = [];
  for (const [name, { data }] of tensors) {
    if (!name.startsWith('foreground.')) continue;
    foreground.push({ value: Number(name.slice('foreground.'.length)), indices: new Uint32Array(data as Int32Array) });
  }
  return {
    id,
    outside,
    geometry: JSON.parse(metadata['geometry']!),
    original: JSON.parse(metadata['original']!),
    image: tensors.get('image')!.data as Float32Array,
    label: tensors.get('label')!.data as Uint8Array,
    foreground,
  };
}
