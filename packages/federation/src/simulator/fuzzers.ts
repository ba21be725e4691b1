/**
 * The fuzzers: kinds of trouble each alone, and all together. The last one has a coordinator that acknowledges before it
 * records and must fail: it proves that faults are caught.
 */
import type { Fuzzer } from './fuzzer.ts';
import { quiet, scenarioOf, type Temper } from './temper.ts';
import { checkUndisturbed } from './undisturbed.ts';

const storm: Temper = {
  ...quiet,
  jobsMax: 3,
  kills: 6,
  weather: true,
  partitions: 3,
  freezes: 2,
  disks: 2,
  operators: 3,
  mishapChance: 0.1,
  refusalChance: 0.1,
  condemnChance: 0.1,
  forgeryChance: 0.05,
};

export const fuzzers: readonly Fuzzer[] = [
  fuzzer('crashes', { ...quiet, kills: 12 }),
  fuzzer('network', { ...quiet, jobsMax: 2, weather: true, partitions: 6, mishapChance: 0.2, mishaps: ['lost'] }),
  fuzzer('disks', { ...quiet, disks: 6, kills: 3 }),
  fuzzer('sleep', { ...quiet, freezes: 5, condemnChance: 0.2, partitions: 1 }),
  fuzzer('operators', { ...quiet, jobsMax: 3, operators: 8, kills: 2, weather: true }),
  fuzzer('hostile', { ...quiet, mishapChance: 0.3, refusalChance: 0.2, forgeryChance: 0.5, weather: true }),
  fuzzer('approvals', { ...storm, approvalChance: 0.6 }),
  fuzzer('overlaps', { ...storm, overlaps: true }),
  fuzzer('buffered', { ...storm, strategies: ['fed-buff'] }),
  fuzzer('storm', storm),
  fuzzer('secure', { ...storm, secure: true, strategies: ['fed-avg', 'fed-prox', 'partial-sharing'] }),
  fuzzer('secure crashes', {
    ...quiet,
    kills: 12,
    weather: true,
    secure: true,
    strategies: ['fed-avg'],
    patient: true,
  }),
  fuzzer('twins', { ...storm, jobsMax: 4, twins: true }),
  {
    ...fuzzer('undisturbed', { ...quiet, kills: 12, weather: true, partitions: 3, freezes: 1, patient: true }),
    check: checkUndisturbed,
  },
  {
    name: 'acknowledges-early',
    scenario: (seed) => ({ ...scenarioOf(seed, { ...quiet, kills: 4 }), acknowledgesEarly: true }),
    mustViolate: 'acknowledged is durable',
  },
];

function fuzzer(name: string, temper: Temper): Fuzzer {
  return { name, scenario: (seed) => scenarioOf(seed, temper) };
}
