/**
 * Does a click network that six hospitals train together do what it is for? Phantoms, six sites, federated rounds of the
 * coordinator's own state machine in one process, and then a simulated reader on test patients nobody trained on: Dice
 * after 0, 1, 3, 5 and 10 clicks, with intervals over patients. The last line is JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { decodeModel, encodeModel, weightsOf } from '@consilium/engine';
import { nodeRuntime } from '@consilium/engine/node';
import { type Clock, getBlob, MemoryStore, putBlob, runJob, type SiteConnection } from '@consilium/federation';
import { createRandom, decodeSafetensors, encodeSafetensors, type Weights } from '@consilium/numerics';
import { makeStudy } from '@consilium/phantom';
import {
  type BlobId,
  type Contribution,
  jobIdSchema,
  plainEncoding,
  pseudonymSchema,
  siteIdSchema,
  type Task,
} from '@consilium/protocol';
import {
  buildNetwork,
  ClickPredictor,
  fingerprintOf,
  kidneyClasses,
  makePlan,
  mergeFingerprints,
  type Plan,
  type PreparedCase,
  preprocess,
  scoreClicks,
  Trainer,
} from '@consilium/training';

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    sites: { type: 'string', default: '6' },
    studies: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '16' },
    steps: { type: 'string', default: '24' },
    threads: { type: 'string', default: '2' },
    /** Changes of the plan, as JSON. */
    plan: { type: 'string', default: '{}' },
  },
});
const [seed, sites, studies, rounds, steps, threads] = (
  ['seed', 'sites', 'studies', 'rounds', 'steps', 'threads'] as const
).map((name) => Number(given[name])) as [number, number, number, number, number, number];

interface Hospital {
  readonly train: readonly PreparedCase[];
  readonly validation: readonly PreparedCase[];
  readonly test: readonly PreparedCase[];
}

const runtime = nodeRuntime();
const clock: Clock = {
  nowMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => {}),
};

/** One patient in eight validates, two in eight test; the plan sees those alone who train. */
async function hospitals(): Promise<{ readonly plan: Plan; readonly all: readonly Hospital[] }> {
  const studiesOf = (site: number) =>
    Array.from({ length: studies }, (_, index) => {
      const { image, label, reference } = makeStudy({ seed, siteIndex: site, studyIndex: index, detail: 'small' });
      return { id: `site-${site + 1}-${index + 1}`, image, label, reference };
    });
  const cases = Array.from({ length: sites }, (_, site) => studiesOf(site));
  const testing = Math.max(1, Math.round(studies / 4));
  const training = studies - testing - 1;
  const fingerprints = await Promise.all(
    cases.map((own) => fingerprintOf(own.slice(0, training), { classes: kidneyClasses })),
  );
  const planned = makePlan(mergeFingerprints(fingerprints), {
    memoryBudgetMb: 1024,
    size: 'small',
    classes: kidneyClasses,
    interactive: true,
  });
  const plan: Plan = { ...planned, ...JSON.parse(given.plan) };
  // What a site drew is learnt from; what is true is tested on.
  const truth = (own: (typeof cases)[number]) => own.map((one) => preprocess({ ...one, label: one.reference }, plan));
  return {
    plan,
    all: cases.map((own) => ({
      train: own.slice(0, training).map((one) => preprocess(one, plan)),
      validation: own.slice(training, training + 1).map((one) => preprocess(one, plan)),
      test: truth(own.slice(training + 1)),
    })),
  };
}

type Scores = ReadonlyMap<number, number>;

/** By structure, of those the case has. */
async function clickedScores(
  predictor: ClickPredictor,
  plan: Plan,
  one: PreparedCase,
  clicks: readonly number[],
): Promise<Map<string, Scores>> {
  const { geometry } = one;
  const automatic = clicks.includes(0) ? await predictor.withoutClicks(one, geometry) : null;
  const scores = new Map<string, Scores>();
  for (const { name, value } of plan.classes) {
    const reference = { geometry, voxels: one.label.map((voxel) => (voxel === value ? 1 : 0)) };
    if (!reference.voxels.includes(1)) continue;
    const { diceAfter } = await scoreClicks({ predictor, prepared: one, reference, clicks, keep: 0, automatic });
    scores.set(name, diceAfter);
  }
  return scores;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean with the 95 % interval of 2000 bootstrap samples of patients. */
function interval(values: readonly number[], name: string) {
  const random = createRandom(seed, 'bootstrap', name);
  const means = Array.from({ length: 2000 }, () => mean(values.map(() => random.choice(values)))).sort((a, b) => a - b);
  return { mean: mean(values), low: means[50]!, high: means[1949]!, cases: values.length };
}

async function trained(
  plan: Plan,
  all: readonly Hospital[],
): Promise<{ weights: Weights; scores: readonly (number | null)[] }> {
  const model = buildNetwork(plan.network, { ...plan, random: createRandom(seed, 'network') });
  const store = new MemoryStore();
  const load = async (blob: BlobId): Promise<Weights> => decodeSafetensors(await getBlob(store, blob)).tensors;
  const trainers = await Promise.all(
    all.map((own, site) =>
      Trainer.create({ runtime, plan, model, cases: own.train, random: createRandom(seed, 'train', site), threads }),
    ),
  );
  const perform = async (task: Task, site: number): Promise<Contribution> => {
    if (task.kind === 'train') {
      const trainer = trainers[site]!;
      trainer.resetOptimiser();
      trainer.setWeights(await load(task.weights));
      const { meanLoss } = await trainer.train(task);
      const weights = await putBlob(store, encodeSafetensors(trainer.weights()));
      const cases = all[site]!.train.length;
      return {
        kind: 'train',
        weights,
        encoding: plainEncoding,
        controlChange: null,
        cases,
        steps: task.steps,
        meanLoss,
      };
    }
    if (task.kind !== 'evaluate') throw new Error(`not asked here: ${task.kind}`);
    const graph = decodeModel(await getBlob(store, task.model));
    await using predictor = await ClickPredictor.open({
      runtime,
      model: graph,
      weights: await load(task.weights),
      plan,
      threads,
    });
    const scored = plan.interactive!.evaluation.scored;
    const scores: number[] = [];
    for (const one of all[site]!.validation) {
      scores.push(
        ...[...(await clickedScores(predictor, plan, one, [scored])).values()].map((after) => after.get(scored)!),
      );
    }
    const regions = { all: { dice: mean(scores) } };
    const described = [{ case: pseudonymSchema.parse('case-01'), regions, pictures: [] }];
    return { kind: 'evaluate', meanDice: mean(scores), leftOut: [], scores: described };
  };
  const participants = all.map((_, site) => siteIdSchema.parse(`site-${site + 1}`));
  const connections = participants.map((siteId, site): [typeof siteId, SiteConnection] => [
    siteId,
    {
      siteId,
      perform: async (task) => ({
        kind: 'contribution',
        contribution: await perform(task, site),
        acknowledge: () => {},
      }),
    },
  ]);
  const scores: (number | null)[] = [];
  const outcome = await runJob(
    {
      ...{ kind: 'train', jobId: jobIdSchema.parse('clicks'), participants, seed, reply: plainEncoding, attempts: 1 },
      plan: JSON.parse(JSON.stringify(plan)),
      model: await putBlob(store, encodeModel(model)),
      initialWeights: await putBlob(store, encodeSafetensors(weightsOf(model))),
      rounds: { max: rounds },
      stepsPerRound: steps,
      minimumSites: sites,
      stragglerMs: 1e9,
      stopping: { patience: 1000, minimumGain: 0 },
      strategy: { kind: 'fed-avg' },
    },
    {
      clock,
      store,
      sites: new Map(connections),
    },
    {
      onEvent: (event) => {
        if (event.kind !== 'evaluated') return;
        scores.push(event.score);
        console.error(`round ${event.round}: ${event.score?.toFixed(4)} after ${Math.round(process.uptime())} s`);
      },
    },
  );
  for (const trainer of trainers) await trainer[Symbol.asyncDispose]();
  if (outcome.state !== 'completed' || outcome.best === null) throw new Error(outcome.reason.text);
  return { weights: await load(outcome.best.weights), scores };
}

const { plan, all } = await hospitals();
console.error(
  `plan: ${plan.spacingMm.join(' x ')} mm, ${plan.patchSize.join(' x ')}, ${plan.network.channels.join('-')}`,
);
const { weights, scores } = await trained(plan, all);
const model = buildNetwork(plan.network, { ...plan, random: createRandom(seed, 'network') });
await using predictor = await ClickPredictor.open({ runtime, model, weights, plan, threads });
const counts = [0, 1, 3, 5, 10];
const found = new Map<string, Scores[]>();
for (const one of all.flatMap(({ test }) => test)) {
  for (const [name, after] of await clickedScores(predictor, plan, one, counts)) {
    found.set(name, [...(found.get(name) ?? []), after]);
  }
}
console.log(`| structure | cases | ${counts.map((count) => `${count} clicks`).join(' | ')} |`);
console.log(`|---|---|${counts.map(() => '---').join('|')}|`);
const table = [...found].map(([structure, each]) => {
  const after = counts.map((count) =>
    interval(
      each.map((one) => one.get(count)!),
      `${structure} ${count}`,
    ),
  );
  const cells = after.map(
    ({ mean: middle, low, high }) => `${middle.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
  );
  console.log(`| ${structure} | ${each.length} | ${cells.join(' | ')} |`);
  return { structure, after: counts.map((clicks, index) => ({ clicks, ...after[index]! })) };
});
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    name: 'click-training',
    sites,
    rounds,
    steps,
    seed,
    cpuSeconds: Math.round((user + system) / 1e6),
    validation: scores,
    table,
  }),
);
