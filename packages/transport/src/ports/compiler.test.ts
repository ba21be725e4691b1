import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('./compiler.fixture.ts', import.meta.url));
const isUsed = (how: string) =>
  execFileSync(process.execPath, ['--maglev', '--allow-natives-syntax', fixture, how], { encoding: 'utf8' });

it('keeps Maglev from compiling what runs hot', () => {
  expect(isUsed('as-it-comes')).toBe('true');
  expect(isUsed('left-out')).toBe('false');
});
