/**
 * A second thread that prepares files when several come at the same time, so that the first can take in and flush
 * meanwhile. One file at a time is prepared sooner where it is: handing it over costs a copy and a wait.
 */
import { Worker } from 'node:worker_threads';
import type { DeidentificationProfile } from '@consilium/imaging';
import type { Preparation, Preparer } from './preparation.ts';

export interface PreparingThreadOptions {
  readonly secret: Uint8Array;
  readonly profile: DeidentificationProfile;
  /** Prepares here. */
  readonly preparer: Preparer;
  /** The thread is begun when so many files have come while others were under way. Default 64. */
  readonly beginsAfter?: number;
}

/** For the thread: its secret and profile. */
export type PreparingThreadData = Pick<PreparingThreadOptions, 'secret' | 'profile'>;

/** A file to prepare, and the answer; without a preparation where it failed as it should not. */
export interface PreparingQuestion {
  readonly id: number;
  readonly bytes: Uint8Array;
}
export type PreparingAnswer = 'ready' | { readonly id: number; readonly preparation: Preparation | undefined };

/** More wait here, where they may be prepared as soon. */
const askedMax = 3;
/** Larger files are not copied. */
const bytesMax = 16 * 2 ** 20;
const beginsAfterDefault = 64;

export class PreparingThread {
  readonly #options: PreparingThreadOptions;
  readonly #asked = new Map<number, (preparation: Preparation | undefined) => void>();
  #worker: Worker | undefined;
  #isReady = false;
  #questions = 0;
  #crowded = 0;

  constructor(options: PreparingThreadOptions) {
    this.#options = options;
  }

  /** @param others files that are being taken in at the same time. */
  async prepare(bytes: Uint8Array, others: number): Promise<Preparation> {
    const { preparer, beginsAfter = beginsAfterDefault } = this.#options;
    if (others > 0 && this.#crowded++ === beginsAfter) this.#begin();
    const isHandedOver = others > 0 && this.#isReady && this.#asked.size < askedMax && bytes.length <= bytesMax;
    // What the thread cannot prepare fails here as it should.
    return (isHandedOver ? await this.#ask(bytes) : undefined) ?? preparer.prepare(bytes);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(bytes: Uint8Array): Promise<Preparation | undefined> {
    const { promise, resolve } = Promise.withResolvers<Preparation | undefined>();
    const id = this.#questions++;
    this.#asked.set(id, resolve);
    // Whoever waits for an answer alone must get it; without a question it keeps no process alive.
    this.#worker!.ref();
    // Whoever sent the bytes may still read them, and they may be part of something larger.
    const copy = new Uint8Array(bytes);
    const question: PreparingQuestion = { id, bytes: copy };
    this.#worker!.postMessage(question, [copy.buffer]);
    return promise;
  }

  #begin(): void {
    const entry = new URL(import.meta.resolve('#preparer'));
    const { secret, profile } = this.#options;
    const workerData: PreparingThreadData = { secret, profile };
    const isSource = entry.pathname.endsWith('.ts');
    const worker = new Worker(entry, {
      workerData,
      // What it prints may name patients.
      stderr: true,
      stdout: true,
      ...(isSource ? { execArgv: ['--conditions=consilium-source'] } : {}),
    });
    this.#worker = worker;
    const ended = (): void => {
      this.#isReady = false;
      for (const resolve of this.#asked.values()) resolve(undefined);
      this.#asked.clear();
    };
    worker.on('error', ended).on('exit', ended);
    worker.on('message', (answer: PreparingAnswer) => {
      if (answer === 'ready') {
        this.#isReady = true;
        return;
      }
      this.#asked.get(answer.id)?.(answer.preparation);
      this.#asked.delete(answer.id);
      if (this.#asked.size === 0) worker.unref();
    });
    worker.unref();
  }
}
