/** The thread that prepares files: one after the other, as they come. */
import { parentPort, workerData } from 'node:worker_threads';
import { deidentify } from '@consilium/imaging';
import { decodePixels } from '../decoded-pixels.ts';
import { Preparer } from './preparation.ts';
import type { PreparingAnswer, PreparingQuestion, PreparingThreadData } from './preparing-thread.ts';

const { secret, profile } = workerData as PreparingThreadData;
const preparer = new Preparer({ secret, deidentify: (bytes) => deidentify(bytes, { profile, secret, decodePixels }) });

parentPort!.on('message', ({ id, bytes }: PreparingQuestion) => {
  void preparer
    .prepare(bytes)
    .catch(() => undefined)
    .then((preparation) => {
      const answer: PreparingAnswer = { id, preparation };
      parentPort!.postMessage(
        answer,
        preparation?.kind === 'prepared' ? [preparation.file.bytes.buffer as ArrayBuffer] : [],
      );
    });
});
parentPort!.postMessage('ready' satisfies PreparingAnswer);
