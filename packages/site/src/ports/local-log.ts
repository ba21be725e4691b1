/**
 * The site's own log, one JSON object a line. It may name files and patients, so it stays in the work directory and is
 * never sent. A log that cannot be written does not stop the work.
 */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

export interface LocalLog {
  write(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface LocalLogOptions {
  /**
   * Beyond this a new file is begun, and the old ones are numbered: `log.1.jsonl` is the last. Of several processes that
   * write the same log, one does this.
   */
  readonly bytesMax?: number;
  /** Old files that are kept. */
  readonly kept?: number;
}

export function openLocalLog(path: string, { bytesMax = Infinity, kept = 4 }: LocalLogOptions = {}): LocalLog {
  return {
    write: (event, fields = {}) => {
      try {
        mkdirSync(dirname(path), { recursive: true });
        if (sizeOf(path) > bytesMax) shift(path, kept);
        appendFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
      } catch {
        // The disk may be full: the task that fills it says so itself.
      }
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The oldest is overwritten. */
function shift(path: string, kept: number): void {
  const numbered = (number: number) => (number === 0 ? path : path.replace(/(\.\w+)?$/, `.${number}$1`));
  for (let number = kept; number > 0; number--) {
    if (sizeOf(numbered(number - 1)) > 0) renameSync(numbered(number - 1), numbered(number));
  }
}
