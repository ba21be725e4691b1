/** Who asked whom a pseudonym stands for, and why: one line of JSON each, beside the map of identities. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reidentification } from '../api.ts';
import type { ArchiveClock } from '../archive-clock.ts';
import type { ConsoleContext } from './console-context.ts';

/** The newest are shown. */
const shownMax = 200;

/** @param directory of the map of identities. */
export function reidentificationRecord(
  directory: string,
  clock: ArchiveClock,
): Pick<ConsoleContext, 'noteReidentification' | 'reidentifications'> {
  const path = join(directory, 'asked.jsonl');
  return {
    noteReidentification: async (asked) => {
      await mkdir(directory, { recursive: true });
      const line = JSON.stringify({ time: new Date(clock.nowMs()).toISOString(), ...asked });
      await appendFile(path, `${line}\n`, { mode: 0o600, flush: true });
    },
    reidentifications: async () => {
      const text = await readFile(path, 'utf8').catch(() => '');
      const lines = text.split('\n').filter((line) => line !== '');
      return lines
        .slice(-shownMax)
        .reverse()
        .flatMap((line) => entryOf(line));
    },
  };
}

/** A line that a crash cut short is none. */
function entryOf(line: string): Reidentification[] {
  try {
    return [JSON.parse(line) as Reidentification];
  } catch {
    return [];
  }
}
