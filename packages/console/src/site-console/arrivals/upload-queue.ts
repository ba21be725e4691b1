/**
 * Files on their way from this browser to the archive, a few at a time, with what became of each. Lives as long as the tab,
 * so that one may look at other pages meanwhile.
 */
import type { Admission, ImportReport } from '@consilium/archive/api';
import { sendFile } from '../../parts/service-client.ts';
import { ServiceError } from '../../parts/service-error.ts';
import { type ChosenFile, type PlannedFile, plannedFile } from './upload-plan.ts';
import { volumeZip, zipBytesMax } from './volume-zip.ts';

export type UploadOutcome = 'stored' | 'duplicate' | 'refused' | 'ignored' | 'failed' | 'cancelled';

export interface Upload {
  readonly id: number;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly state: 'waiting' | 'sending' | 'done';
  readonly outcome?: UploadOutcome;
  readonly code?: string;
  /** Of a zip. */
  readonly report?: ImportReport;
}

interface Work {
  readonly id: number;
  readonly send: (signal: AbortSignal, onProgress: (sentBytes: number) => void) => Promise<Partial<Upload>>;
}

type Listed = { readonly path: string } & ({ readonly file: Blob } | { readonly sizeBytes: number });

const atOnce = 4;

class UploadQueue {
  #uploads: readonly Upload[] = [];
  #waiting: Work[] = [];
  #running = 0;
  #nextId = 1;
  #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  #isTold = false;

  readonly uploads = (): readonly Upload[] => this.#uploads;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async add(files: readonly ChosenFile[]): Promise<void> {
    const planned: PlannedFile[] = [];
    for (const file of files) planned.push(await plannedFile(file));
    const volumes = planned.filter(({ kind }) => kind === 'volume');
    for (const file of planned) {
      if (file.kind === 'ignored') this.#list(file, { state: 'done', outcome: 'ignored', code: 'not-an-image' });
      if (file.kind === 'dicom') this.#queue(file, (...sending) => sendInstance(file.file, ...sending));
      if (file.kind === 'zip') this.#queue(file, (...sending) => sendZip(file.file, ...sending));
    }
    if (volumes.length > 0) this.#addVolumes(volumes);
    this.#start();
  }

  /** What is on its way is broken off; what has come stays. */
  cancel(): void {
    this.#waiting = [];
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#uploads = this.#uploads.map((upload) =>
      upload.state === 'done' ? upload : { ...upload, state: 'done', outcome: 'cancelled' },
    );
    this.#tell();
  }

  /** Forgets what is done. */
  clear(): void {
    this.#uploads = this.#uploads.filter(({ state }) => state !== 'done');
    this.#tell();
  }

  #addVolumes(volumes: readonly PlannedFile[]): void {
    const sizeBytes = volumes.reduce((sum, { file }) => sum + file.size, 0);
    const path = volumes.length === 1 ? volumes[0]!.path : `${volumes.length} files of volumes (${volumes[0]!.path} …)`;
    if (sizeBytes > zipBytesMax) {
      this.#list({ path, sizeBytes }, { state: 'done', outcome: 'refused', code: 'console.volumes-too-large' });
      return;
    }
    this.#queue({ path, sizeBytes }, async (signal, onProgress) =>
      sendZip(await volumeZip(volumes, signal), signal, onProgress),
    );
  }

  #list(file: Listed, state: Partial<Upload>): number {
    const id = this.#nextId++;
    const sizeBytes = 'file' in file ? file.file.size : file.sizeBytes;
    this.#uploads = [...this.#uploads, { id, path: file.path, sizeBytes, sentBytes: 0, state: 'waiting', ...state }];
    this.#tell();
    return id;
  }

  #queue(file: Listed, send: Work['send']): void {
    this.#waiting.push({ id: this.#list(file, {}), send });
  }

  #start(): void {
    while (this.#running < atOnce && this.#waiting.length > 0) {
      this.#running++;
      void this.#run(this.#waiting.shift()!).finally(() => {
        this.#running--;
        this.#start();
      });
    }
  }

  async #run({ id, send }: Work): Promise<void> {
    const { signal } = this.#stop;
    this.#change(id, { state: 'sending' });
    try {
      const outcome = await send(signal, (sentBytes) => this.#change(id, { sentBytes }));
      if (!signal.aborted) this.#change(id, { ...outcome, state: 'done' });
    } catch (error) {
      if (signal.aborted) return;
      const code = error instanceof ServiceError ? error.code : 'console.fault';
      const outcome = code.startsWith('archive.zip-') || code === 'archive.part-too-large' ? 'refused' : 'failed';
      this.#change(id, { state: 'done', outcome, code });
    }
  }

  #change(id: number, change: Partial<Upload>): void {
    this.#uploads = this.#uploads.map((upload) => (upload.id === id ? { ...upload, ...change } : upload));
    this.#tell();
  }

  /** Once for all changes of a turn. */
  #tell(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    requestAnimationFrame(() => {
      this.#isTold = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

async function sendInstance(file: Blob, signal: AbortSignal, onProgress: (sentBytes: number) => void) {
  const sending = { contentType: 'application/dicom', signal, onProgress };
  const admission = await sendFile<Admission>('/uploads/instance', file, sending);
  return { outcome: admission.kind, ...(admission.kind === 'refused' ? { code: admission.code } : {}) };
}

async function sendZip(file: Blob, signal: AbortSignal, onProgress: (sentBytes: number) => void) {
  const sending = { contentType: 'application/zip', signal, onProgress };
  const report = await sendFile<ImportReport>('/uploads/zip', file, sending);
  const { counts, state } = report;
  const outcome: UploadOutcome =
    state === 'running' ? 'cancelled' : counts.refused > 0 && counts.stored === 0 ? 'refused' : 'stored';
  return { report, outcome };
}

export const uploadQueue = new UploadQueue();
