/** A program that speaks to its service as a worker does, and misbehaves as its settings say. */
import { blobIdOf, chunkIdOf } from '@consilium/federation';
import { type BlobId, plainEncoding, type Task } from '@consilium/protocol';
import { type FromWorker, parseToWorker, type ToWorker } from './worker-messages.ts';

export interface PretendSettings {
  readonly behaviour:
    | 'good'
    | 'refuses'
    | 'dies-at-start'
    | 'dies'
    | 'silent'
    | 'stubborn'
    | 'babbles'
    | 'lies'
    | 'slow';
}

const waiting = new Map<BlobId, (bytes: Uint8Array | null) => void>();
const send = (message: FromWorker | object) => process.send!(message);
let settings: PretendSettings = { behaviour: 'good' };
let alive: NodeJS.Timeout | undefined;

process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', (received) => void handle(parseToWorker(received)!));

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'configure':
      settings = message.settings as PretendSettings;
      return start();
    case 'task':
      return work(message.task);
    case 'abort':
      if (settings.behaviour !== 'stubborn') {
        const failure = { code: 'site.aborted', message: 'Aborted.', lasting: false };
        send({ kind: 'failure', taskId: message.taskId, failure });
      }
      return;
    case 'chunk':
      waiting.get(message.blob)?.(message.bytes);
      return;
    case 'blob-missing':
      waiting.get(message.blob)?.(null);
      return;
    case 'stop':
      clearInterval(alive);
      process.exit(0);
  }
}

function start(): void {
  if (settings.behaviour === 'dies-at-start') {
    console.error('a stack with /a/path');
    process.exit(3);
  }
  if (settings.behaviour === 'refuses') {
    send({
      kind: 'refused',
      failure: { code: 'site.bad-settings', message: 'The settings are wrong.', lasting: true },
    });
    return;
  }
  send({ kind: 'ready' });
  if (settings.behaviour !== 'silent') alive = setInterval(() => send({ kind: 'alive' }), 50);
}

async function work(task: Task): Promise<void> {
  const { taskId } = task;
  if (task.kind !== 'train') return;
  send({ kind: 'progress', taskId, progress: { kind: 'step', step: 1, of: 2, loss: 0.5 } });
  switch (settings.behaviour) {
    case 'dies':
      if (task.round === 1) process.kill(process.pid, 'SIGKILL');
      break;
    case 'silent':
    case 'stubborn':
    case 'slow':
      return;
    case 'babbles':
      send({ kind: 'contribution', taskId, contribution: { kind: 'train', patient: 'DOE^JANE' } });
      return;
    case 'lies':
      send({ kind: 'manifest', manifest: { bytes: 3, chunks: ['DOE^JANE'] } });
      return;
  }
  const weights = await new Promise<Uint8Array | null>((resolve) => {
    waiting.set(task.weights, resolve);
    send({ kind: 'blob-wanted', blob: task.weights });
  });
  if (weights === null) {
    const failure = { code: 'site.blob-missing', message: 'No such blob.', lasting: false };
    send({ kind: 'failure', taskId, failure });
    return;
  }
  const bytes = weights.map((byte) => byte + 1);
  const manifest = { bytes: bytes.length, chunks: [chunkIdOf(bytes)] };
  send({ kind: 'chunk', bytes });
  send({ kind: 'manifest', manifest });
  const contribution = {
    kind: 'train',
    weights: blobIdOf(manifest),
    encoding: plainEncoding,
    controlChange: null,
    cases: 2,
    steps: 2,
    meanLoss: 0.5,
  };
  send({ kind: 'contribution', taskId, contribution });
}
