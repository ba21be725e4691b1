/** The thread that looks at series, so that the one that takes in and answers is not held up: one after the other. */
import { parentPort } from 'node:worker_threads';
import { lookAt, type SeriesWork } from './series-work.ts';

parentPort!.on('message', (work: SeriesWork) => {
  void lookAt(work).then((seen) => parentPort!.postMessage(seen));
});
