/** A thread that ends when it is asked for a series: of modality `ONCE` the first time, else each time; `OK` it answers. */
import { existsSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { SeriesWork } from './series-work.ts';

parentPort!.on('message', ({ modality, paths }: SeriesWork) => {
  if (modality === 'OK' || (modality === 'ONCE' && existsSync(paths[0]!))) {
    return parentPort!.postMessage({ kind: 'no-volume' });
  }
  writeFileSync(paths[0]!, '');
  if (modality === 'THROWS') throw new Error('Meyer');
  process.exit(1);
});
