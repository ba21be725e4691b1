/**
 * A reading project as MONAI Label's datastore: images are cases, and labels go by tags. `final` is the newest approved
 * version, or else the newest that was handed in; `original` the newest proposal; `version_N` every version in order;
 * `reader_NAME` what a reader handed in last. All of it as far as who asks may see it.
 */
import type { Asker } from '../asker.ts';
import type { Protocol } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import type { ReadingRoom } from '../reading-room.ts';
import type { Task } from '../room/task-book.ts';
import type { Version } from '../store/version-store.ts';
import { TaskState } from '../workflow/task-state.ts';

export interface DatastoreImage {
  /** Of the case. */
  readonly id: string;
  readonly seriesInstanceUid: string;
  readonly geometry: Task['geometry'];
  readonly createdMs: number;
  /** Those that the asker may see. */
  readonly tasks: readonly Task[];
}

export interface TaggedLabel {
  readonly version: Version;
  /** As the Reviewer module of 3D Slicer calls it. */
  readonly status: 'segmented' | 'approved' | 'flagged';
}

export interface LabelledImage {
  readonly image: DatastoreImage;
  readonly labels: ReadonlyMap<string, TaggedLabel>;
}

export const finalTag = 'final';
export const originalTag = 'original';
const tasksAtOnce = 1000;
const handedIn: readonly TaskState[] = [
  TaskState.submitted,
  TaskState.inReview,
  TaskState.changesAsked,
  TaskState.approved,
  TaskState.locked,
];

export class Datastore {
  readonly #room: ReadingRoom;
  readonly #project: string;
  /** Of versions, which never change: the structures that have a voxel. */
  readonly #drawnIn = new Map<string, readonly number[]>();
  /** Names that clients gave to images they sent. */
  readonly #aliases = new Map<string, string>();

  constructor(room: ReadingRoom, project: string) {
    this.#room = room;
    this.#project = project;
  }

  get project(): string {
    return this.#project;
  }

  get protocol(): Protocol {
    return this.#room.projects.protocol(this.#project).protocol;
  }

  /** In the order in which they became cases. */
  images(asker: Asker): readonly DatastoreImage[] {
    const tasks = new Map<string, Task[]>();
    for (let offset = 0; ; offset += tasksAtOnce) {
      const some = this.#room.tasks.list(asker, this.#project, { offset, limit: tasksAtOnce });
      for (const task of some) tasks.set(task.caseId, [...(tasks.get(task.caseId) ?? []), task]);
      if (some.length < tasksAtOnce) break;
    }
    return [...tasks.values()].map(imageOf).sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
  }

  /** @param name of the case, of its series as OHIF asks, or as who sent it called it. @throws ReadingError `reading.case-unknown` */
  image(asker: Asker, name: string): DatastoreImage {
    const bare = name.replace(/\.(?:nii|nii\.gz|nrrd)$/, '');
    const id = this.#aliases.get(aliasOf(asker, name)) ?? bare;
    const image = this.images(asker).find((one) => one.id === id || one.seriesInstanceUid === id);
    if (image === undefined) {
      throw new ReadingError('reading.case-unknown', 'The project has no such image, or not for you.');
    }
    return image;
  }

  /** For as long as this process runs: who sent an image goes on to ask for it by the name it had there. */
  rename(asker: Asker, name: string, caseId: string): void {
    this.#aliases.set(aliasOf(asker, name), caseId);
  }

  /** In the order of `original`, `final`, readers, versions. */
  labels(asker: Asker, image: DatastoreImage): ReadonlyMap<string, TaggedLabel> {
    return this.#tagged(asker, image, this.#room.versions(asker, this.#project, image.id));
  }

  /** Every image with its labels, at the cost of one look at the tables. */
  all(asker: Asker): readonly LabelledImage[] {
    const versions = Map.groupBy(this.#room.versions(asker, this.#project), ({ caseId }) => caseId);
    return this.images(asker).map((image) => ({
      image,
      labels: this.#tagged(asker, image, versions.get(image.id) ?? []),
    }));
  }

  /** @throws ReadingError `reading.version-unknown` */
  label(asker: Asker, image: DatastoreImage, tag: string): TaggedLabel {
    const label = this.labels(asker, image).get(tag === '' ? finalTag : tag);
    if (label === undefined) {
      throw new ReadingError('reading.version-unknown', 'The image has no label of this tag, or not for you.');
    }
    return label;
  }

  /** Numbers of the structures that a proposal has voxels of, ascending. */
  async drawnIn(asker: Asker, { id }: Version): Promise<readonly number[]> {
    const known = this.#drawnIn.get(id);
    if (known !== undefined) return known;
    const isThere = new Uint8Array(256);
    for (const voxels of await this.#room.label(asker, this.#project, id)) {
      for (let at = 0; at < voxels.length; at++) isThere[voxels[at]!] = 1;
    }
    const numbers = this.protocol.structures.map(({ number }) => number).filter((number) => isThere[number] === 1);
    this.#drawnIn.set(
      id,
      numbers.sort((a, b) => a - b),
    );
    return numbers;
  }

  #tagged(asker: Asker, { tasks }: DatastoreImage, versions: readonly Version[]): ReadonlyMap<string, TaggedLabel> {
    const byId = new Map(versions.map((version) => [version.id, version]));
    const statusOf = this.#statuses(asker, tasks);
    const tagged = (version: Version): TaggedLabel => ({ version, status: statusOf.get(version.id) ?? 'segmented' });
    const labels = new Map<string, TaggedLabel>();
    const proposal = versions.findLast(({ kind }) => kind === 'proposal');
    if (proposal !== undefined) labels.set(originalTag, tagged(proposal));
    const finished = tasks
      .filter(({ state }) => handedIn.includes(state))
      .flatMap((task) => {
        const version = task.headVersion === undefined ? undefined : byId.get(task.headVersion);
        return version === undefined ? [] : [{ task, ...tagged(version) }];
      })
      .sort((a, b) => a.version.createdMs - b.version.createdMs);
    const final = finished.findLast(({ status }) => status === 'approved') ?? finished.at(-1);
    if (final !== undefined) labels.set(finalTag, tagged(final.version));
    for (const { task, version } of finished) {
      if (task.reader !== undefined) labels.set(`reader_${task.reader}`, tagged(version));
    }
    for (const [at, version] of distinct(versions).entries()) labels.set(`version_${at + 1}`, tagged(version));
    return labels;
  }

  /** By version: what reviewers made of it. */
  #statuses(asker: Asker, tasks: readonly Task[]): ReadonlyMap<string, TaggedLabel['status']> {
    const statuses = new Map<string, TaggedLabel['status']>();
    for (const { headVersion, id, state } of tasks) {
      if (headVersion === undefined) continue;
      if (state === TaskState.approved) {
        statuses.set(headVersion, 'approved');
      } else {
        for (const { decision, version } of this.#room.reviews.list(asker, { project: this.#project, taskId: id })) {
          statuses.set(version, decision === 'approve' ? 'approved' : 'flagged');
        }
      }
    }
    return statuses;
  }
}

function imageOf(tasks: readonly Task[]): DatastoreImage {
  const [first] = tasks;
  const { caseId, geometry, seriesInstanceUid } = first!;
  return { id: caseId, seriesInstanceUid, geometry, createdMs: Math.min(...tasks.map((one) => one.createdMs)), tasks };
}

/** Handing in a file makes a second version of the same voxels, which carries the form: the two are one label here. */
function distinct(versions: readonly Version[]): readonly Version[] {
  const drawn = versions.filter(({ kind }) => kind !== 'proposal');
  const isRepeated = (version: Version, at: number) =>
    drawn
      .slice(at + 1)
      .some((later) => later.parents[0] === version.id && later.layers.join() === version.layers.join());
  return drawn.filter((version, at) => !isRepeated(version, at));
}

/** One person's name for an image says nothing to another. */
function aliasOf({ person }: Asker, name: string): string {
  return JSON.stringify([person, name]);
}
