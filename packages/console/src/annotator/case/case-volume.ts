/** The image of a case, or of a series beside it, as it comes, some slices at a time, the middle first: there is something to look at long before all is here. */
import type { Answer } from '@consilium/reading/api';
import { ServiceError } from '../../parts/service-error.ts';
import { later } from '../../ports/browser-clock.ts';
import { askBesideChunk, askBesideVolume, askChunk, askVolume } from '../reading-asking.ts';
import type { SliceRange } from './label-editor.ts';

type Facts = Answer<'volume'>;
/** Deflated slices. */
type AskChunk = (chunk: number, signal: AbortSignal) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

/** Chunks that are asked for at a time. */
const askedAtOnce = 3;
const againMs = 2000;
/** What is shown where nothing has come yet: air. */
const nothingHu = -1024;

export class CaseVolume {
  readonly geometry: Facts['geometry'];
  /** `[z, y, x]`, HU or what the scanner stored. */
  readonly voxels: Int16Array<ArrayBuffer>;
  readonly #ask: AskChunk;
  readonly #facts: Facts;
  readonly #listeners = new Set<(slices: SliceRange) => void>();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly #begun = Promise.withResolvers<void>();
  readonly #received: SliceRange[] = [];

  private constructor(facts: Facts, ask: AskChunk) {
    const [depth, rows, columns] = facts.geometry.size;
    this.#ask = ask;
    this.#facts = facts;
    this.geometry = facts.geometry;
    this.voxels = new Int16Array(depth * rows * columns).fill(nothingHu);
    this.#done = this.#stream();
    // Who waits for it is told.
    this.#done.catch(this.#begun.reject);
    this.#begun.promise.catch(() => {});
  }

  /** Its slices begin to come at once. @throws ServiceError */
  static async open(project: string, caseId: string): Promise<CaseVolume> {
    return new CaseVolume(await askVolume(project, caseId), (chunk, signal) =>
      askChunk({ project, caseId }, chunk, signal),
    );
  }

  /** A series beside a case, and whether it has the case's frame of reference. @throws ServiceError */
  static async openBeside(
    place: { readonly project: string; readonly caseId: string },
    series: string,
  ): Promise<{ readonly volume: CaseVolume; readonly isSameFrame: boolean }> {
    const { isSameFrame, ...facts } = await askBesideVolume(place, series);
    const ask: AskChunk = (chunk, signal) => askBesideChunk({ ...place, series }, chunk, signal);
    return { volume: new CaseVolume(facts, ask), isSameFrame };
  }

  /** Resolves when all is here. @throws ServiceError if something will not come however often it is asked for */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Resolves when the first slices are here. @throws ServiceError as `done` */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** The slices that have come, in the order in which they came. */
  get received(): readonly SliceRange[] {
    return [...this.#received];
  }

  /** Of the chunks, 0 to 1. */
  get share(): number {
    return this.#received.length / this.#facts.chunks;
  }

  /** Values of some slices. */
  slices({ from, to }: SliceRange): Int16Array {
    const slice = this.geometry.size[1] * this.geometry.size[2];
    return this.voxels.subarray(from * slice, (to + 1) * slice);
  }

  /** Told of slices that have come. */
  listen(listener: (slices: SliceRange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing more is asked for. */
  close(): void {
    this.#stop.abort();
  }

  async #stream(): Promise<void> {
    const { signal } = this.#stop;
    const order = middleFirst(this.#facts.chunks);
    const worker = async () => {
      for (let chunk = order.shift(); chunk !== undefined; chunk = order.shift()) {
        if (signal.aborted) return;
        try {
          await this.#receive(chunk, signal);
        } catch (error) {
          if (signal.aborted) return;
          if (!(error instanceof ServiceError && (error.status === 0 || error.status >= 500))) throw error;
          order.unshift(chunk);
          await new Promise<void>((resolve) => later(againMs, resolve));
        }
      }
    };
    await Promise.all(Array.from({ length: askedAtOnce }, worker));
  }

  async #receive(chunk: number, signal: AbortSignal): Promise<void> {
    const { slicesPerChunk } = this.#facts;
    const [depth, rows, columns] = this.geometry.size;
    const from = chunk * slicesPerChunk;
    const to = Math.min(from + slicesPerChunk, depth) - 1;
    const deflated = await this.#ask(chunk, signal);
    const bytes = await new Response(deflated.pipeThrough(new DecompressionStream('deflate'))).arrayBuffer();
    this.voxels.set(new Int16Array(bytes, 0, (to - from + 1) * rows * columns), from * rows * columns);
    this.#received.push({ from, to });
    this.#begun.resolve();
    for (const listener of this.#listeners) listener({ from, to });
  }
}

/** The numbers below `count`, from the middle outwards. */
export function middleFirst(count: number): number[] {
  const middle = Math.floor((count - 1) / 2);
  return Array.from({ length: count }, (_, at) => at).sort(
    (a, b) => Math.abs(a - middle) - Math.abs(b - middle) || a - b,
  );
}
