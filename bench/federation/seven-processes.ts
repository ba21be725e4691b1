/**
 * A coordinator and six sites on this machine, each a process in a directory of its own, made and run by the commands of
 * the guides, over TLS. They train a job twice: once left alone, once while the coordinator is restarted and sites are
 * killed, worker and all, in the middle of rounds. Both must give the same weights, to the byte. See README.md.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CommandProcess } from '../../test/command.fixture.ts';
import { ServicesProject } from '../../test/services-project.fixture.ts';
import { writeTinyPatients } from '../../test/tiny-patients.fixture.ts';

const { values: options } = parseArgs({
  options: {
    /** Gradient steps of a site in a round: how long a round offers itself to be disturbed. */
    steps: { type: 'string', default: '150' },
    /** Keep the directories, with all logs. */
    keep: { type: 'boolean', default: false },
  },
});

const sites = Array.from({ length: 6 }, (_, index) => `site-${index + 1}`);
const rounds = 6;
const [calm, stormy] = ['calm', 'stormy'];
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const root = mkdtempSync(join(tmpdir(), 'consilium-seven-'));
const project = new ServicesProject(root, { ownGroups: true });
process.once('exit', () => {
  for (const each of project.running.values()) void each.killGroup('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const service = (name: string): CommandProcess => project.running.get(name)!;
const json = (...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

async function makeProject(): Promise<void> {
  await project.initCoordinator();
  await project.startCoordinator();
  for (const [index, site] of sites.entries()) {
    writeTinyPatients(join(root, 'data', site), { site: index, count: 5 });
    await project.joinAs(site, `data/${site}`);
    await project.startSite(site);
  }
  await project.told('job', 'plan', 'derived', '--detail', 'small', '--memory-budget-mb', '512');
  const lasting = ['--rounds', String(rounds), '--steps', options.steps, '--patience', String(rounds)];
  await project.planTiny(calm, json('derived', 'plan.json'), ...lasting, '--straggler-minutes', '30');
}

/** What the sites have said of a task by now: of each, whether it has begun it, and whether it has finished it. */
class TaskSightings {
  readonly #taskOf: (site: string) => string;

  constructor(kind: 'train' | 'evaluate', round: number) {
    this.#taskOf = (site) => `${stormy}/${round}/${kind}/${site}`;
  }

  /** Resolves when `site` itself has said so. */
  async of(site: string, event: 'task-started' | 'task-finished'): Promise<void> {
    await service(site).until(() => this.#has(site, event));
  }

  get begun(): string[] {
    return sites.filter((site) => this.#has(site, 'task-started'));
  }

  get finished(): string[] {
    return sites.filter((site) => this.#has(site, 'task-finished'));
  }

  #has(site: string, event: string): boolean {
    return service(site).lines.some((line) => line['event'] === event && line['taskId'] === this.#taskOf(site));
  }
}

interface Disturbance {
  readonly round: number;
  readonly what: string;
  readonly begun: readonly string[];
  readonly finished: readonly string[];
}
const disturbances: Disturbance[] = [];

/** Must come before all have finished, or it was not in the middle. */
function note(round: number, what: string, seen: TaskSightings): void {
  const { begun, finished } = seen;
  disturbances.push({ round, what, begun, finished });
  say(`round ${round}: ${what}; ${begun.length} sites had begun, ${finished.length} had finished`);
  if (finished.length === sites.length) throw new Error('That came too late: all had finished. Try more --steps.');
}

async function disturb(): Promise<void> {
  const train = (round: number) => new TaskSightings('train', round);
  let seen = train(1);
  await seen.of('site-3', 'task-started');
  note(1, 'the coordinator is killed as a site begins to train', seen);
  await service('coordinator').killGroup('SIGKILL');
  await project.startCoordinator();

  seen = train(2);
  await seen.of('site-2', 'task-started');
  await pause(300);
  note(2, 'site-2 is killed, service and worker, while it trains', seen);
  await service('site-2').killGroup('SIGKILL');
  await project.startSite('site-2');

  seen = train(3);
  await Promise.race(sites.map((site) => seen.of(site, 'task-finished')));
  note(3, 'the coordinator is restarted as the first contribution comes', seen);
  await service('coordinator').kill('SIGTERM');
  await project.startCoordinator();

  seen = train(4);
  await Promise.race(sites.map((site) => seen.of(site, 'task-finished')));
  const first = seen.finished[0]!;
  note(4, `${first} is killed, service and worker, as it hands in its contribution`, seen);
  await service(first).killGroup('SIGKILL');
  await project.startSite(first);

  seen = new TaskSightings('evaluate', 5);
  await Promise.race(sites.map((site) => seen.of(site, 'task-started')));
  const evaluating = seen.begun.at(-1)!;
  note(5, `the coordinator and ${evaluating} are killed while the model is evaluated`, seen);
  await Promise.all(['coordinator', evaluating].map((name) => service(name).killGroup('SIGKILL')));
  await project.startCoordinator();
  await project.startSite(evaluating);

  seen = train(6);
  await seen.of('site-6', 'task-started');
  await pause(500);
  note(6, 'the coordinator is killed, and site-1 and site-6 with service and worker, while they train', seen);
  await Promise.all(['coordinator', 'site-1', 'site-6'].map((name) => service(name).killGroup('SIGKILL')));
  await project.startCoordinator();
  await Promise.all(['site-1', 'site-6'].map((name) => project.startSite(name)));
}

const pause = (ms: number): Promise<void> => new Promise((after) => setTimeout(after, ms));

interface Result {
  readonly seconds: number;
  /** SHA-256 of `weights.safetensors`, the best round's. */
  readonly weights: string;
  /** SHA-256 of the global weights after each round. */
  readonly rounds: readonly string[];
  /** Contributions in each round. */
  readonly trained: readonly number[];
}

async function trained(job: string, meanwhile: () => Promise<void>): Promise<Result> {
  const startMs = performance.now();
  await project.told('job', 'submit', calm, '--id', job);
  const watching = project.run('job', 'watch', job);
  await meanwhile();
  const { code, stdout, stderr } = await watching;
  if (code !== 0) throw new Error(`${job} ended with ${code}\n${stdout}\n${stderr}`);
  const seconds = (performance.now() - startMs) / 1000;
  await project.told('job', 'result', job, '--out', `${job}-result`);
  const bytes = readFileSync(join(root, `${job}-result`, 'weights.safetensors'));
  const records: { weights: string; trained: unknown[] }[] = json(`${job}-result`, 'rounds.json').rounds;
  return {
    seconds: Number(seconds.toFixed(1)),
    weights: createHash('sha256').update(bytes).digest('hex'),
    rounds: records.map(({ weights }) => weights),
    trained: records.map((round) => round.trained.length),
  };
}

try {
  await makeProject();
  say(`A coordinator and ${sites.length} sites run in ${root}`);
  const undisturbed = await trained(calm!, async () => {});
  say(`undisturbed: ${undisturbed.seconds} s, weights ${undisturbed.weights}`);
  const disturbed = await trained(stormy!, disturb);
  say(`disturbed:   ${disturbed.seconds} s, weights ${disturbed.weights}`);
  const same =
    disturbed.weights === undisturbed.weights &&
    JSON.stringify(disturbed.rounds) === JSON.stringify(undisturbed.rounds);
  const isWhole = [...undisturbed.trained, ...disturbed.trained].every((count) => count === sites.length);
  say(JSON.stringify({ name: 'seven processes', same, isWhole, undisturbed, disturbed, disturbances }));
  process.exitCode = same && isWhole ? 0 : 1;
} finally {
  await project[Symbol.asyncDispose]();
  if (!options.keep) rmSync(root, { recursive: true });
}
