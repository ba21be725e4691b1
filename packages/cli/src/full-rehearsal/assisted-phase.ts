/**
 * The second phase at one hospital: the federated model of the first is put on the shelf of its reading room, has to be good
 * enough on labels that the hospital has approved, and then proposes; readers correct. Where the gate lets it not propose,
 * readers draw by hand again.
 */
import { CliError } from '../cli-error.ts';
import type { SimulatedHospital } from './hospital.ts';
import { lead, readingProjects, type SimulatedReaders } from './simulated-readers.ts';

export interface FederatedModel {
  readonly name: string;
  readonly jobId: string;
  readonly round: number;
  /** As training's bundles are. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface GateOutcome {
  readonly isChampion: boolean;
  readonly reason: string;
  /** Cases of the hospital on which it was measured, against drawing nothing. */
  readonly cases: number;
  /** Mean Dice by structure's number. */
  readonly dice: Readonly<Record<string, number>>;
}

const project = readingProjects.assisted;

export async function assistedPhase(
  hospital: SimulatedHospital,
  readers: SimulatedReaders,
  { model, onCase }: { readonly model: FederatedModel; readonly onCase: (what: string) => void },
): Promise<GateOutcome> {
  const studies = hospital.included();
  await readers.prepare('assisted', studies);
  const part = (uid: string) => hospital.partOf(uid);
  const aside = studies.filter(({ seriesInstanceUid }) => part(seriesInstanceUid) === 'validation');
  await readers.carryOver(aside);
  const gate = await passGate(hospital, readers, { model, aside: aside.map((one) => one.seriesInstanceUid) });
  if (gate.isChampion) await propose(hospital, () => onCase('proposals'));
  const read = studies.filter((one) => !aside.includes(one));
  await readers.read('assisted', read, () => onCase('cases read with help'));
  return gate;
}

async function passGate(
  { room }: SimulatedHospital,
  readers: SimulatedReaders,
  { aside, model }: { readonly model: FederatedModel; readonly aside: readonly string[] },
): Promise<GateOutcome> {
  const { models } = room;
  const origin = { job: model.jobId, round: model.round };
  const { digest } = await models.shelf.put(lead, project, {
    ...{ name: model.name, kind: 'automatic', files: model.files, origin },
  });
  if (models.trials.validationSet(project) === undefined) {
    const tasks = readers.tasks('assisted');
    await models.trials.freeze(
      lead,
      project,
      aside.map((uid) => tasks.get(uid)!.caseId),
    );
  }
  if (!models.trials.list(project).some((trial) => trial.digest === digest)) {
    const waiting = models.work(lead, project).find((work) => work.kind === 'trial' && isUnderWay(work.state));
    const id = waiting?.id ?? (await models.trials.ask(lead, project, { digest, priority: 0 }));
    await ended(room, id);
  }
  const trial = models.trials.list(project).find((one) => one.digest === digest)!;
  return {
    isChampion: models.shelf.champion(project, 'automatic')?.digest === digest,
    reason: trial.verdict.reason,
    cases: models.trials.validationSet(project)!.cases.length,
    dice: Object.fromEntries(trial.verdict.structures.map((one) => [String(one.structure), one.candidate])),
  };
}

/** For all that nobody has begun; what was under way when the rehearsal was stopped goes on. */
async function propose({ room }: SimulatedHospital, onProposal: () => void): Promise<void> {
  const { models } = room;
  for (const { id } of models.work(lead, project, 100_000).filter(({ state }) => isUnderWay(state))) {
    await ended(room, id);
  }
  const works = await models.proposals.ask(lead, project, { priority: 0, isNightly: false });
  for (const id of works) {
    await ended(room, id);
    onProposal();
  }
}

function isUnderWay(state: string): boolean {
  return state === 'waiting' || state === 'running';
}

async function ended(room: SimulatedHospital['room'], id: string): Promise<void> {
  const { code, state } = await room.models.ended(project, id);
  if (state === 'done') return;
  throw new CliError('cli.job-failed', `A model could not be used in a simulated reading room (${code ?? state}).`);
}
