/**
 * The site's own log, one JSON object a line. It may name files and patients, so it stays in the work directory and is
 * never sent. A log that cannot be written does not stop the work.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export interface LocalLog {
  write(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export function openLocalLog(path: string): LocalLog {
  return {
    write: (event, fields = {}) => {
      try {
        mkdirSync(dirname(path), { recursive: true });
        appendFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`);
      } catch {
        // The disk may be full: the task that fills it says so itself.
      }
    },
  };
}
