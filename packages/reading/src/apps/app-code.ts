/**
 * Runs a function of an app's own code in a thread of its own, which is ended when its time is up: a function that hangs
 * costs one step, not the service. The thread protects from faults, not from malice: who puts an app into the settings
 * trusts it as any program that is installed.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ReadingError } from '../reading-error.ts';

export interface AppCode {
  /** Of the module; absolute. */
  readonly path: string;
  /** Of its bytes, as the app was when the project was made from it. */
  readonly sha256: string;
}

export interface AppCall {
  readonly function: string;
  /** Copied to the thread. */
  readonly arguments: readonly unknown[];
  readonly msMax?: number;
}

/** What the thread says. */
export type AppReply =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface AppWork {
  readonly path: string;
  /** Without, the names of the functions are answered. */
  readonly call: Pick<AppCall, 'function' | 'arguments'> | undefined;
}

const msMaxOfCall = 120_000;
/** Of the thread's own objects; voxels lie beside them. */
const heapMegabytesMax = 1024;

/** A function of `shipped-tool.ts`, in the same way. @throws as `runAppCode` */
export function runShippedCode(call: AppCall): Promise<unknown> {
  return called(fileURLToPath(import.meta.resolve('#shipped-tool')), call);
}

/** @throws ReadingError `reading.app-changed`, `reading.app-code-missing`, `reading.app-code-slow`, `reading.app-code-failed` */
export async function runAppCode(code: AppCode, call: AppCall): Promise<unknown> {
  await checkUnchanged(code);
  return called(code.path, call);
}

async function called(path: string, { msMax = msMaxOfCall, ...call }: AppCall): Promise<unknown> {
  const name = call.function;
  const reply = await replyOf({ path, call }, msMax);
  switch (reply?.kind) {
    case 'done':
      return reply.value;
    case 'failed':
      throw failed(name, reply.reason);
    case 'missing':
      throw new ReadingError('reading.app-code-missing', 'The app’s code has no such function.', { detail: name });
    case undefined:
      throw new ReadingError('reading.app-code-slow', `A function of the app took longer than ${msMax / 1000} s.`, {
        detail: name,
      });
  }
}

/** The functions of a module. @throws ReadingError `reading.app-code-failed` if it cannot be loaded. */
export async function functionsOf(path: string): Promise<readonly string[]> {
  const reply = await replyOf({ path, call: undefined }, msMaxOfCall);
  if (reply?.kind === 'done') return reply.value as readonly string[];
  throw failed('import', reply?.kind === 'failed' ? reply.reason : 'it does not end');
}

/** Undefined if there is none in time. */
async function replyOf(work: AppWork, msMax: number): Promise<AppReply | undefined> {
  const entry = new URL(import.meta.resolve('#app-code'));
  const worker = new Worker(entry, {
    workerData: work,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
    // What it prints may name a patient.
    ...{ stderr: true, stdout: true, env: {} },
    ...(entry.pathname.endsWith('.ts') ? { execArgv: ['--conditions=consilium-source'] } : {}),
  });
  const { promise, resolve } = Promise.withResolvers<AppReply | undefined>();
  worker.once('message', resolve);
  worker.once('error', (error) => resolve({ kind: 'failed', reason: String(error) }));
  worker.once('exit', () => resolve({ kind: 'failed', reason: 'the thread ended' }));
  AbortSignal.timeout(msMax).addEventListener('abort', () => resolve(undefined), { once: true });
  const reply = await promise;
  await worker.terminate();
  return reply;
}

export function failed(name: string, reason: string): ReadingError {
  return new ReadingError('reading.app-code-failed', 'A function of the app failed. The archive’s log says more.', {
    detail: `${name}: ${reason}`,
  });
}

async function checkUnchanged({ path, sha256 }: AppCode): Promise<void> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === sha256) return;
  throw new ReadingError(
    'reading.app-changed',
    'The app’s code is another than when the project was made from it. Apply the app to the project again.',
    { detail: path },
  );
}
