/** What must be true of every simulated project when all is over, whatever befell it. */
import { decodeSafetensors, encodeSafetensors, type Weights } from '@consilium/numerics';
import { type BlobId, type Json, plainEncoding, type TrainTask } from '@consilium/protocol';
import { blobIdOf, chunkIdOf, getBlob } from '../blob.ts';
import { ContributedWeights } from '../contributed-weights.ts';
import { taskIdOf } from '../inquiry.ts';
import type { Job } from '../job.ts';
import { lastAnswers, type Overlap, overlapSteps } from '../overlap.ts';
import { completedRounds, type RoundRecord, type TrainedRecord } from '../round-record.ts';
import { bestRound } from '../stopping.ts';
import { strategyOf } from '../strategies.ts';
import type { AggregateInput } from '../strategy.ts';
import { WeightsFile } from '../weights.ts';
import { LocalState } from './local-state.ts';
import type { SiteSpec } from './scenario.ts';
import { checkGivenUp, checkHidden, checkSecureRound } from './secure-invariants.ts';
import { patientsOf } from './simulated-overlap.ts';
import type { SimulatedProject } from './simulated-project.ts';
import { simulatedTraining } from './simulated-training.ts';

interface FinishedJob {
  readonly project: SimulatedProject;
  readonly job: Job;
  readonly entries: ReadonlyMap<string, Json>;
  readonly rounds: readonly RoundRecord[];
}

export async function checkProject(project: SimulatedProject): Promise<void> {
  checkEnds(project);
  checkPolicies(project);
  checkSpools(project);
  const { platter } = project.coordinator.disk;
  for (const { submission } of project.scenario.jobs) {
    if (submission.kind === 'overlap') await checkOverlap(project, submission);
    if (submission.kind !== 'train') continue;
    const entries = await platter.recall(submission.jobId);
    const job: FinishedJob = { project, job: submission, entries, rounds: completedRounds(entries) };
    checkRecords(job);
    if (submission.secureAggregation === undefined) {
      await checkContributions(job);
      await checkAggregates(job);
    } else await checkSecureSums(job);
    await checkBlobs(job);
  }
}

/** Codes with which a job may fail for want of sites or disk; anything else is a fault of ours. */
const honestReasons = new Set(['federation.too-few-sites', 'disk.full', 'disk.failed']);

function checkEnds({ statuses, scenario, chronicle }: SimulatedProject): void {
  for (const { submission } of scenario.jobs) {
    const status = statuses.get(submission.jobId);
    if (status === undefined) {
      chronicle.violated('acknowledged is durable', `${submission.jobId} was acknowledged and is not on the board`);
    } else if (status.state === 'failed' && !honestReasons.has(status.reason!.code)) {
      chronicle.violated('failures have their reason', `${submission.jobId}: ${JSON.stringify(status.reason)}`);
    } else if (status.reason !== null && !/^[A-Z0-9].*\.$/.test(status.reason.text)) {
      chronicle.violated('reasons are sentences', status.reason.text);
    }
  }
}

function checkPolicies({ scenario, chronicle }: SimulatedProject): void {
  for (const { siteId, refuses, decidesAtMs } of scenario.sites) {
    for (const { taskId, kind } of chronicle.begun.values()) {
      if (taskId.endsWith(`/${siteId}`) && refuses.includes(kind)) {
        chronicle.violated('policies hold', `${taskId} was begun although the policy refuses it`);
      }
      if (taskId.endsWith(`/${siteId}`) && chronicle.begunMs.get(taskId)! < decidesAtMs) {
        chronicle.violated('policies hold', `${taskId} was begun before a person had approved it`);
      }
    }
  }
}

/** Each site has found whom it shares with those who came as far as to tell it, and nobody else; no box is kept. */
async function checkOverlap({ chronicle, coordinator, scenario, statuses }: SimulatedProject, { jobId }: Overlap) {
  const { platter } = coordinator.disk;
  const state = statuses.get(jobId)?.state;
  const isOver = state === 'completed' || state === 'aborted';
  if (isOver && [...platter.held.keys()].some((holder) => holder.startsWith(`${jobId}/`))) {
    chronicle.violated('boxes are let go', `${jobId} holds some`);
  }
  if (state !== 'completed') return;
  const entries = await platter.recall(jobId);
  const { sites } = entries.get(`round/${overlapSteps.indexOf('label')}/closed`) as {
    readonly sites: readonly string[];
  };
  const patients = new Map(scenario.sites.map((site) => [site.siteId as string, patientsOf(site)]));
  for (const siteId of sites) {
    const answer = entries.get(`${lastAnswers}${siteId}`) as
      | { readonly found: { readonly elsewhere: number | null } }
      | undefined;
    const others = sites.filter((other) => other !== siteId).flatMap((other) => patients.get(other)!);
    const shared = patients.get(siteId)!.filter((patient) => others.includes(patient)).length;
    if (answer !== undefined && answer.found.elsewhere !== (shared || null)) {
      chronicle.violated('overlaps are found', `${siteId} of ${jobId}: ${JSON.stringify(answer)}, but it is ${shared}`);
    }
  }
}

/** When every job has ended and everyone has met since, no site keeps anything for its delivery. */
function checkSpools({ sites, statuses, chronicle }: SimulatedProject): void {
  const hasEnded = [...statuses.values()].every(({ state }) => ['completed', 'failed', 'aborted'].includes(state));
  if (!hasEnded) return;
  for (const [siteId, { disk, isCondemned }] of sites) {
    if (isCondemned) continue;
    for (const { task } of disk.spooled) chronicle.violated('all is delivered', `${siteId} still keeps ${task.taskId}`);
  }
}

function checkRecords({ project: { chronicle }, job, entries, rounds }: FinishedJob): void {
  for (const { round, trained } of rounds) {
    const named = trained.map(({ siteId }) => siteId);
    const recorded = [...entries.keys()].flatMap((key) => key.match(`^round/${round}/train/(.*)$`)?.[1] ?? []);
    // Of those who have trained, some may have been lost before all was summed.
    const isWhole =
      job.secureAggregation === undefined
        ? named.join() === recorded.sort().join()
        : named.every((siteId) => recorded.includes(siteId));
    if (!isWhole) {
      chronicle.violated('records name the accepted', `round ${round} names ${named}; accepted were ${recorded}`);
    }
    if (new Set(named).size !== named.length || named.some((siteId) => !job.participants.includes(siteId))) {
      chronicle.violated('records name the accepted', `round ${round} names ${named}`);
    }
    const { maxStaleness } = strategyOf(job.strategy);
    const stale = trained.filter(({ askedIn }) => round - askedIn > maxStaleness).map(({ siteId }) => siteId);
    if (stale.length > 0) chronicle.violated('nothing too stale counts', `round ${round} has ${stale}`);
    if (named.length < job.minimumSites) chronicle.violated('enough sites', `round ${round} has only ${named}`);
    for (const each of trained) {
      const entry = entries.get(`round/${round}/train/${each.siteId}`);
      if (JSON.stringify(entry) !== JSON.stringify(each)) {
        chronicle.violated(
          'records name the accepted',
          `round ${round}: ${each.siteId} differs from what was accepted`,
        );
      }
    }
  }
}

/** Strategies for which a contribution depends on nothing that the site kept of earlier rounds. */
const stateless = new Set(['fed-avg', 'fed-prox', 'fed-avg-m', 'fed-adam', 'median', 'cyclic', 'fed-buff']);

/** Every accepted contribution is what this site makes of these weights in this round. */
async function checkContributions({ project, job, rounds }: FinishedJob): Promise<void> {
  if (!stateless.has(job.strategy.kind) || job.reply.numbers !== plainEncoding.numbers) return;
  for (const { round, trained } of rounds) {
    for (const record of trained) {
      const site = project.scenario.sites.find(({ siteId }) => siteId === record.siteId)!;
      const base = globalWeights(job, rounds, record.askedIn);
      const taskId = taskIdOf({ jobId: job.jobId, round: record.askedIn, kind: 'train', siteId: site.siteId });
      const task = project.chronicle.begun.get(taskId) as TrainTask;
      const sent = decodeSafetensors(await getBlob(project.archive, base)).tensors;
      const expected = task.weights === base ? contributionOf(task, site, sent) : null;
      if (expected !== record.weights || site.cases !== record.cases) {
        project.chronicle.violated('contributions are genuine', `round ${round}: that of ${site.siteId} is another`);
      }
    }
  }
}

/** What sites have masked is what they make of these weights, and its sum is what came out. */
async function checkSecureSums({ project, job, entries, rounds }: FinishedJob): Promise<void> {
  checkGivenUp(project, job, entries);
  if (!stateless.has(job.strategy.kind)) return;
  const trainingOf = async (task: TrainTask) => {
    const siteId = task.taskId.split('/').at(-1);
    const { target, cases, ...site } = project.scenario.sites.find((each) => each.siteId === siteId)!;
    const sent = decodeSafetensors(await getBlob(project.archive, task.weights)).tensors;
    const training = { task, siteId: site.siteId, target, sent, control: null, state: new LocalState() };
    return { siteId: site.siteId, cases, trained: simulatedTraining(training).tensors };
  };
  for (const task of project.chronicle.begun.values()) {
    if (task.kind !== 'train' || task.jobId !== job.jobId) continue;
    await checkHidden(project, task, (await trainingOf(task)).trained);
  }
  for (const record of rounds) {
    const base = globalWeights(job, rounds, record.round);
    const contributions = await Promise.all(
      record.trained.map(({ siteId }) => {
        const taskId = taskIdOf({ jobId: job.jobId, round: record.round, kind: 'train', siteId });
        return trainingOf(project.chronicle.begun.get(taskId) as TrainTask);
      }),
    );
    await checkSecureRound({ project, job, record, base, contributions });
  }
}

function contributionOf(task: TrainTask, { siteId, target }: SiteSpec, sent: Weights): BlobId {
  const { tensors } = simulatedTraining({ task, siteId, target, sent, control: null, state: new LocalState() });
  const bytes = encodeSafetensors(tensors);
  return blobIdOf({ bytes: bytes.length, chunks: [chunkIdOf(bytes)] });
}

/** Every round's weights are what the strategy makes of exactly those that the record names. */
async function checkAggregates({ project: { archive, chronicle }, job, rounds }: FinishedJob): Promise<void> {
  const strategy = strategyOf(job.strategy);
  const { shape } = await WeightsFile.open(archive, job.initialWeights);
  let state = await strategy.initialState(archive, shape);
  for (const { round, trained, weights, state: recorded } of rounds) {
    const global = await WeightsFile.open(archive, globalWeights(job, rounds, round));
    const sites: AggregateInput['trained'][number][] = [];
    for (const each of trained) {
      const base = await WeightsFile.open(archive, globalWeights(job, rounds, each.askedIn));
      const { siteId, encoding, steps, controlChange } = each;
      sites.push({
        siteId,
        cases: each.cases!,
        steps,
        base,
        staleness: round - each.askedIn,
        weights: await ContributedWeights.open(archive, { weights: each.weights!, encoding }, base),
        controlChange: controlChange === null ? null : await WeightsFile.open(archive, controlChange),
      });
    }
    const { length: participants } = job.participants;
    const expected = await strategy.aggregateTrain({
      round,
      trained: sites,
      global,
      state,
      participants,
      store: archive,
    });
    state = recorded;
    if (expected.weights !== weights || JSON.stringify(expected.state) !== JSON.stringify(recorded)) {
      chronicle.violated('aggregates are of the accepted', `round ${round} of ${job.jobId} has other weights`);
    }
    if (job.strategy.kind === 'fed-avg' && job.reply.numbers === plainEncoding.numbers) {
      const mean = await meanOf(trained, async (id) => decodeSafetensors(await getBlob(archive, id)).tensors);
      if (mean !== weights) chronicle.violated('the aggregate is the mean', `round ${round} of ${job.jobId}`);
    }
  }
}

/** Σ nᵢ wᵢ / Σ nᵢ at float64, in site order: written out once more, to compare with. */
async function meanOf(trained: readonly TrainedRecord[], read: (id: BlobId) => Promise<Weights>): Promise<BlobId> {
  const models = await Promise.all(trained.map(({ weights }) => read(weights!)));
  const total = trained.reduce((sum, { cases }) => sum + cases!, 0);
  const mean: Weights = new Map(
    [...models[0]!].map(([name, { shape, data }]) => [
      name,
      {
        dtype: 'float32',
        shape,
        data: Float32Array.from(data as Float32Array, (_, index) => {
          let sum = 0;
          trained.forEach(({ cases }, at) => {
            sum += cases! * Number(models[at]!.get(name)!.data[index]);
          });
          return sum / total;
        }),
      },
    ]),
  );
  const bytes = encodeSafetensors(mean);
  return blobIdOf({ bytes: bytes.length, chunks: [chunkIdOf(bytes)] });
}

/** What can still be wanted is there whole, and a job holds nothing that it cannot want any more. */
async function checkBlobs({ project, job, rounds }: FinishedJob): Promise<void> {
  const { chronicle, coordinator, statuses } = project;
  const { platter } = coordinator.disk;
  const kept = new Set<BlobId>([job.model, job.initialWeights]);
  const best = bestRound(rounds.map(({ score }) => score));
  for (const record of [rounds[best - 1], rounds.at(-1)]) {
    if (record === undefined) continue;
    for (const id of [record.weights, ...Object.values(record.state)]) kept.add(id);
  }
  for (const id of kept) {
    const isWhole = await getBlob(platter, id).then(
      () => true,
      () => false,
    );
    if (!isWhole) chronicle.violated('blobs are kept', `${id} of ${job.jobId} is gone`);
  }
  const state = statuses.get(job.jobId)?.state;
  if (state !== 'completed' && state !== 'aborted') return;
  // By who holds it: another job may hold the same bytes, such as one that failed and would be taken up again.
  for (const [holder, ids] of platter.held) {
    if (!holder.startsWith(`${job.jobId}/`)) continue;
    for (const id of ids) {
      if (!kept.has(id)) chronicle.violated('blobs are let go', `${holder} still holds ${id}`);
    }
  }
}

function globalWeights(job: Job, rounds: readonly RoundRecord[], of: number): BlobId {
  return rounds[of - 2]?.weights ?? job.initialWeights;
}
