import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { joulesBetween, readEnergy } from './machine-energy.ts';

function counters(values: Readonly<Record<string, number>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'consilium-energy-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, microjoules] of Object.entries(values)) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'energy_uj'), `${microjoules}\n`);
    writeFileSync(join(directory, name, 'max_energy_range_uj'), '10000000\n');
  }
  return directory;
}

describe('the energy of the machine', () => {
  it('is the sum over processor packages, also where a counter began again; parts of packages do not count twice', async () => {
    const before = await readEnergy(counters({ 'intel-rapl:0': 9_000_000, 'intel-rapl:1': 0, 'intel-rapl:0:0': 1 }));
    const after = await readEnergy(
      counters({ 'intel-rapl:0': 2_000_000, 'intel-rapl:1': 500_000, 'intel-rapl:0:0': 9 }),
    );
    expect(joulesBetween(before, after)).toBeCloseTo(3.5, 9);
  });

  it('is not made up where the machine does not tell', async () => {
    const none = await readEnergy('/nowhere');
    expect(joulesBetween(none, none)).toBeNull();
  });
});
