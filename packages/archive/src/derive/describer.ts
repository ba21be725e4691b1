/**
 * Looks at series in a thread of its own, which holds one volume at a time and is ended when nothing waits, so that its
 * memory goes back. What the thread cannot survive, such as running out of memory, costs one series its description.
 */
import { Worker } from 'node:worker_threads';
import type { VolumeFinding } from './series-description.ts';
import type { SeenSeries, SeriesWork } from './series-work.ts';

export interface Describer {
  /** One at a time. Never rejects. */
  describe(work: SeriesWork): Promise<SeenSeries>;
  /** Gives memory back; what comes next takes longer. */
  rest(): Promise<void>;
}

/** Once more, since it may have been the series before that filled the memory. */
const attemptsMax = 2;
/** Of the thread's own objects; pixels lie beside them, and are bounded by what is read as one volume. */
const heapMegabytesMax = 2048;

export class ThreadDescriber implements Describer {
  readonly #entry: URL;
  #worker: Worker | undefined;

  /** @param entry the thread's program. */
  constructor(entry: URL = new URL(import.meta.resolve('#describer'))) {
    this.#entry = entry;
  }

  async describe(work: SeriesWork): Promise<SeenSeries> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const seen = await this.#ask(work);
      if (seen !== undefined) return seen;
      await this.rest();
    }
    return { kind: 'unreadable', finding: crashed };
  }

  async rest(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  /** Undefined if the thread ended instead of answering. */
  #ask(work: SeriesWork): Promise<SeenSeries | undefined> {
    this.#worker ??= this.#begun();
    const worker = this.#worker;
    const { promise, resolve } = Promise.withResolvers<SeenSeries | undefined>();
    const ended = () => resolve(undefined);
    worker.once('message', resolve).once('exit', ended).once('error', ended);
    worker.postMessage(work);
    return promise.finally(() => worker.off('message', resolve).off('exit', ended).off('error', ended));
  }

  #begun(): Worker {
    const isSource = this.#entry.pathname.endsWith('.ts');
    const worker = new Worker(this.#entry, {
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
      // What it prints may name files.
      stderr: true,
      stdout: true,
      ...(isSource ? { execArgv: ['--conditions=consilium-source'] } : {}),
    });
    // Heard of by whoever asks; without anybody to hear it, it would end the process.
    worker.on('error', () => {});
    // It must not keep a process alive that has nothing else to do.
    worker.unref();
    return worker;
  }
}

const crashed: VolumeFinding = {
  code: 'archive.description-crashed',
  severity: 'failed',
  message: 'Looking at it ended the thread that does it, twice: it may need more memory than there is.',
};
