/** The two phases of annotation at one hospital, each from opened archive to what it leaves for the record. */
import { dice, type LabelMap } from '@consilium/imaging';
import type { ProjectRecordInput } from '@consilium/study';
import { assistedPhase, type FederatedModel } from './assisted-phase.ts';
import { type HospitalOptions, phantomLabel, SimulatedHospital, splitParts } from './hospital.ts';
import { lead, type ReadingPhase, readingProjects, SimulatedReaders, structures } from './simulated-readers.ts';

type ReadingRow = ProjectRecordInput['readings'][number];
type SiteFlow = ProjectRecordInput['sites'][number]['flow'];
type Gate = NonNullable<ProjectRecordInput['sites'][number]['gate']>;

export interface FirstPhase {
  readonly flow: SiteFlow;
  readonly readings: readonly ReadingRow[];
}

export interface SecondPhase {
  readonly gate: Gate;
  readonly readings: readonly ReadingRow[];
}

export interface PhaseOptions extends HospitalOptions {
  readonly siteIndex: number;
  readonly signal: AbortSignal;
  /** One more of something is done. */
  readonly onCase: (what: string) => void;
}

/** Studies come in, are read by hand and approved; then the cohort of these labels is frozen. */
export async function firstPhase({ onCase, signal, siteIndex, ...options }: PhaseOptions): Promise<FirstPhase> {
  await using hospital = await SimulatedHospital.open(options);
  await hospital.takeIn({
    onStudy: () => {
      signal.throwIfAborted();
      onCase('studies taken in');
    },
  });
  const readers = new SimulatedReaders(hospital, { seed: options.seed, siteIndex });
  const studies = hospital.included();
  await readers.prepare('manual', studies);
  await readers.read('manual', studies, () => {
    signal.throwIfAborted();
    onCase('cases read by hand');
  });
  await hospital.freeze('manual');
  return { flow: flowOf(hospital), readings: await rowsOf(hospital, readers, 'manual') };
}

/** The model proposes, readers correct, and the cohort of these labels is frozen. */
export async function secondPhase(
  model: FederatedModel,
  { onCase, signal, siteIndex, ...options }: PhaseOptions,
): Promise<SecondPhase> {
  await using hospital = await SimulatedHospital.open(options);
  const readers = new SimulatedReaders(hospital, { seed: options.seed, siteIndex });
  const seen = (what: string) => {
    signal.throwIfAborted();
    onCase(what);
  };
  const gate = await assistedPhase(hospital, readers, { model, onCase: seen });
  await hospital.freeze('assisted');
  const rows = await rowsOf(hospital, readers, 'assisted');
  // Those labels were carried over: nobody read these cases again.
  return { gate, readings: rows.filter(({ part }) => part !== 'validation') };
}

function flowOf(hospital: SimulatedHospital): SiteFlow {
  const { cohorts } = hospital.archive;
  const { excluded } = cohorts.version({ name: 'manual' });
  const parts = hospital.included().map(({ seriesInstanceUid }) => hospital.partOf(seriesInstanceUid));
  return {
    admitted: hospital.studies.length,
    excluded: Object.entries(excluded).map(([reason, studies]) => ({ reason, studies })),
    split: Object.fromEntries(splitParts.map((part) => [part, parts.filter((one) => one === part).length])) as never,
  };
}

/** What each approved reading cost, and how far it is from what is true. */
async function rowsOf(
  hospital: SimulatedHospital,
  readers: SimulatedReaders,
  phase: ReadingPhase,
): Promise<readonly ReadingRow[]> {
  const { room } = hospital;
  const measures = new Map(room.measures(lead, readingProjects[phase]).readings.map((one) => [one.taskId, one]));
  const tasks = readers.tasks(phase);
  const rows: ReadingRow[] = [];
  for (const study of hospital.included()) {
    const task = tasks.get(study.seriesInstanceUid)!;
    const measure = measures.get(task.id)!;
    const [label] = await room.label(lead, readingProjects[phase], measure.version);
    const truth = await phantomLabel(study, 'reference', task.geometry as LabelMap['geometry']);
    rows.push({
      ...{ siteId: hospital.siteId, study: `study-${String(study.index + 1).padStart(3, '0')}` },
      ...{ part: hospital.partOf(study.seriesInstanceUid), phase: phase === 'manual' ? 'first' : 'second' },
      ...{ how: measure.phase, reader: measure.reader, minutes: measure.activeMinutes },
      structures: measure.structures.map(({ activeMinutes, editedVoxels, fate, number, proposalDice }) => ({
        ...{ number, minutes: activeMinutes, editedVoxels, fate, proposalDice: proposalDice ?? null },
      })),
      truthDice: Object.fromEntries(
        Object.entries(structures).map(([name, number]) => [name, diceWith(label!, truth, number)]),
      ),
    });
  }
  return rows;
}

/** null where neither has the structure. */
function diceWith(label: Uint8Array, truth: Uint8Array, structure: number): number | null {
  if (!label.includes(structure) && !truth.includes(structure)) return null;
  const [one, other] = [label, truth].map((voxels) => voxels.map((value) => Number(value === structure)));
  return dice(one!, other!);
}
