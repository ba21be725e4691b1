export { type Fuzzer, type FuzzResult, fuzz } from './fuzzer.ts';
export { fuzzers } from './fuzzers.ts';
export type { Scenario, SiteSpec } from './scenario.ts';
export { calm } from './simulated-link.ts';
export { SimulatedProject } from './simulated-project.ts';
export { simulatedJob } from './simulation.ts';
