/** The thread that runs one function of an app's own code. */
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { AppReply, AppWork } from './app-code.ts';

async function replyTo({ call, path }: AppWork): Promise<AppReply> {
  const exported: Record<string, unknown> = await import(pathToFileURL(path).href);
  if (call === undefined) {
    return { kind: 'done', value: Object.keys(exported).filter((name) => typeof exported[name] === 'function') };
  }
  const called = exported[call.function];
  if (typeof called !== 'function') return { kind: 'missing' };
  return { kind: 'done', value: await called(...call.arguments) };
}

function send(reply: AppReply): void {
  parentPort!.postMessage(reply);
}

replyTo(workerData as AppWork)
  .then(send)
  // Also where the answer is something that cannot be sent.
  .catch((error: unknown) => send({ kind: 'failed', reason: String(error) }));
