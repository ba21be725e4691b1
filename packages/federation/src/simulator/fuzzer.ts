/** A fuzzer makes a scenario from a seed; what it does to the project is held against what must be true of all. */
import type { Violation } from './chronicle.ts';
import { checkProject } from './invariants.ts';
import type { Scenario } from './scenario.ts';
import { SimulatedProject } from './simulated-project.ts';

export interface Fuzzer {
  readonly name: string;
  /** The same each time it is asked with the same seed. */
  scenario(seed: number): Scenario;
  /** Beside the invariants of every project. */
  readonly check?: (project: SimulatedProject) => Promise<void>;
  /** The invariant that must be found violated, because something is faulty on purpose. */
  readonly mustViolate?: string;
}

export interface FuzzResult {
  /** What should not be; empty if all was as it must be. */
  readonly faults: readonly Violation[];
  /** The same for the same seed. */
  readonly digest: string;
  readonly trace: readonly string[];
  /** How far simulated time went. */
  readonly simulatedMs: number;
}

export async function fuzz(fuzzer: Fuzzer, seed: number): Promise<FuzzResult> {
  const project = new SimulatedProject(fuzzer.scenario(seed));
  const { chronicle, clock } = project;
  const unheard = (error: unknown) => chronicle.violated('no error unheard', String(error));
  process.on('unhandledRejection', unheard);
  try {
    await project.run();
    await checkProject(project);
    await fuzzer.check?.(project);
  } catch (error) {
    chronicle.violated('the simulator works', String((error as Error).stack));
  } finally {
    project.end();
    process.off('unhandledRejection', unheard);
  }
  const { violations, digest, trace } = chronicle;
  return { faults: faultsOf(fuzzer, violations), digest, trace, simulatedMs: clock.nowMs() };
}

function faultsOf({ mustViolate }: Fuzzer, violations: readonly Violation[]): readonly Violation[] {
  if (mustViolate === undefined) return violations;
  if (violations.some(({ invariant }) => invariant === mustViolate)) return [];
  return [{ invariant: mustViolate, text: 'was not found violated, although the coordinator is faulty' }];
}
