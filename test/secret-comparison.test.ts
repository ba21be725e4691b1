/** How long a comparison takes may tell how much of a secret was right: no secret is compared by `===`. */
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const secret = '(?:token|secret|password|passphrase|hmac|mac|totp|otp|cookie|csrf|apiKey|signature)';
/** A name that ends in such a word, beside `===` or `!==`. */
const comparison = new RegExp(`\\b[\\w.]*${secret}(?:\\(\\))?\\)? *[=!]==|[=!]== *[\\w.]*${secret}\\b(?!\\.|\\()`, 'i');
/** With nothing, or a word of the source: that is not to ask whether a guess is right. */
const withNothing = /[=!]== *(?:undefined|null|''|""|0|'[^']*'|typeof)|typeof [\w.]+ *[=!]==/;

/** Signatures are public; where one is compared, with what it is encoded as anew. */
const excused = ['packages/audit/src/signed-head.ts'];

function found(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) => !line.startsWith('*') && !line.startsWith('//') && comparison.test(line) && !withNothing.test(line),
    );
}

const sources = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root }).filter(
  (path) => !/\.(?:test|fixture|conformance)\.tsx?$/.test(path),
);

describe('secrets', () => {
  it('are recognised where somebody compares them', () => {
    for (const line of [
      'if (token === given)',
      'return sent.mac !== own',
      'a !== settings.password',
      'csrf() === own',
    ]) {
      expect(found(line), line).toHaveLength(1);
    }
    for (const line of [
      'token === undefined',
      "typeof secret === 'string'",
      '* token === given',
      'tokens.length === 3',
    ]) {
      expect(found(line), line).toEqual([]);
    }
  });

  it('are compared in constant time, or by their digests', () => {
    expect(sources.length).toBeGreaterThan(500);
    const wrong = sources.filter(
      (path) => !excused.includes(path) && found(readFileSync(resolve(root, path), 'utf8')).length > 0,
    );
    expect(wrong).toEqual([]);
    const right = sources.filter((path) => readFileSync(resolve(root, path), 'utf8').includes('timingSafeEqual('));
    expect(right.length).toBeGreaterThan(1);
  });
});
