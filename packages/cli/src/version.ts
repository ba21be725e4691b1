/** What runs: its version, and where its sources are a clone, their commit. */
import { readFileSync } from 'node:fs';

/** This package's version. */
export const consiliumVersion: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;

/** Of the sources that this runs from, where they are a clone; null of what was installed. */
export function consiliumCommit(): string | null {
  const git = new URL('../../../.git/', import.meta.url);
  try {
    const head = readFileSync(new URL('HEAD', git), 'utf8').trim();
    const ref = /^ref: (.+)$/.exec(head)?.[1];
    const commit = ref === undefined ? head : readFileSync(new URL(ref, git), 'utf8').trim();
    return /^[0-9a-f]{40}$/.test(commit) ? commit : null;
  } catch {
    return null;
  }
}
