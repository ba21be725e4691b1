import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const fixture = fileURLToPath(new URL('./young-garbage.fixture.ts', import.meta.url));
const run = (how: string): Record<'loaded' | 'begun' | 'worked', number> =>
  JSON.parse(execFileSync(process.execPath, ['--conditions=consilium-source', fixture, how], { encoding: 'utf8' }));
const mib = 2 ** 20;

describe('the heap of a program that moves chunks', () => {
  it('has a young generation that begins anew and stays small, which V8 else lets grow', () => {
    const left = run('left');
    expect(left.loaded).toBeGreaterThan(40 * mib);
    expect(left.worked).toBeGreaterThan(40 * mib);
    const small = run('small');
    expect(small.loaded).toBeGreaterThan(40 * mib);
    expect(small.begun).toBeLessThan(4 * mib);
    expect(small.worked).toBeGreaterThan(4 * mib);
    expect(small.worked).toBeLessThan(34 * mib);
  });
});
