/**
 * A label that a client sends: a version of the asker's task on its case, handed in. Nothing is overwritten: what the client
 * believes it replaces stays as the version before.
 */
import { createHash } from 'node:crypto';
import { type Keyword, parsePart10 } from '@consilium/imaging';
import type { Asker } from '../asker.ts';
import type { FormAnswers } from '../contract/protocol-schema.ts';
import { type LabelFileFormat, readLabelFile } from '../handover/label-import.ts';
import { ReadingError } from '../reading-error.ts';
import type { ReadingRoom } from '../reading-room.ts';
import type { Task } from '../room/task-book.ts';
import { TaskState } from '../workflow/task-state.ts';
import type { DatastoreImage } from './datastore.ts';

export interface SentLabel {
  readonly bytes: Uint8Array;
  readonly format: LabelFileFormat;
  /** By value, where the client says what the values are. */
  readonly names: ReadonlyMap<number, string> | undefined;
  /** The version it was drawn on; undefined for what the task is now, which it then replaces. */
  readonly parent: string | undefined;
  readonly form: FormAnswers;
}

const toBeDrawn: readonly TaskState[] = [TaskState.inProgress, TaskState.changesAsked, TaskState.proposed];

/**
 * @returns the version that was handed in.
 * @throws ReadingError `reading.task-unknown` if the case has no task for the asker, `reading.state-wrong` if a review has
 * begun or is over, `reading.version-conflict`, `reading.form-incomplete`, `reading.version-unknown`, and as `readLabelFile`
 */
export async function keepLabel(
  room: ReadingRoom,
  asker: Asker,
  { project, image, label }: { project: string; image: DatastoreImage; label: SentLabel },
): Promise<string> {
  const task = taskFor(asker, image);
  const name = { project, taskId: task.id };
  // Before anything changes: a file that cannot be read leaves the task as it was.
  const layers = await readLabelFile(label.bytes, {
    ...{ format: label.format, geometry: task.geometry, protocol: room.protocolOf(project, task.protocolVersion) },
    ...(label.names === undefined ? {} : { names: label.names }),
  });
  if (label.parent !== undefined) await room.version(asker, project, label.parent);
  if (task.state === TaskState.submitted) await room.readings.withdraw(asker, name);
  const { draft, leaseId, task: opened } = await room.readings.open(asker, name);
  const parent = label.parent ?? opened.headVersion ?? opened.baseVersion;
  const sha256 = createHash('sha256').update(label.bytes).digest('hex');
  const file = { format: label.format, sha256 };
  const kept = await room.readings.upload(asker, { ...name, leaseId, layers, parent, file });
  if (kept.kind === 'conflict') throw conflict();
  const { form } = label;
  const submission = { ...name, leaseId, lastSeq: draft.lastSeq, form };
  const submitted = await room.readings.submit(asker, submission).catch((error: unknown) => {
    throw error instanceof ReadingError && error.code === 'reading.form-incomplete' ? formWanted(error) : error;
  });
  if (submitted.kind === 'conflict') throw conflict();
  return submitted.version;
}

/** What is under way, else what was handed in and not looked at yet, else one that is free. */
function taskFor({ person }: Asker, { tasks }: DatastoreImage): Task {
  const own = tasks.filter(({ reader }) => reader === person);
  const task =
    own.find(({ state }) => toBeDrawn.includes(state)) ??
    own.find(({ state }) => state === TaskState.submitted) ??
    own[0] ??
    tasks.find(({ reader, state }) => reader === undefined && toBeDrawn.includes(state));
  if (task === undefined) {
    throw new ReadingError('reading.task-unknown', 'The case has no task for you: ask who leads the project for one.');
  }
  if (task.state !== TaskState.submitted && !toBeDrawn.includes(task.state)) {
    const message = `The label of the case is ${task.state}: it cannot be replaced now. Ask its reviewer, or who leads the project.`;
    throw new ReadingError('reading.state-wrong', message);
  }
  return task;
}

/** Clients know no forms. */
function formWanted(cause: ReadingError): ReadingError {
  const message = `The label was kept, but not handed in. ${cause.message} Do that in the reading room.`;
  return new ReadingError('reading.form-incomplete', message, { cause });
}

function conflict(): ReadingError {
  const message =
    'The label was kept, but the same structures were changed in the reading room meanwhile. Say there which counts.';
  return new ReadingError('reading.version-conflict', message);
}

/** What a file is, by its content; `.bin` is MONAI Label's name for plain voxels. */
export function formatOfLabel(bytes: Uint8Array, name: string): LabelFileFormat {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('latin1');
  if (text(0, 4) === 'NRRD') return 'nrrd';
  if (text(128, 132) === 'DICM') return sopClassOf(bytes) === rtStructureSet ? 'rtstruct' : 'dicom-seg';
  return /\.bin$/i.test(name) ? 'raw' : 'nifti';
}

const rtStructureSet = '1.2.840.10008.5.1.4.1.1.481.3';

function sopClassOf(bytes: Uint8Array): string | undefined {
  try {
    return parsePart10(bytes).data.requiredText('SOPClassUID' satisfies Keyword);
  } catch {
    return undefined;
  }
}
