/**
 * The reading room of an archive: what is read by whom, what was drawn, and what of it counts. In the archive's directory
 * under `reading/`, open in the archive's process.
 */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type Archive, type ArchiveClock, CommitGroup, ContentDirectory, makeDirectory } from '@consilium/archive';
import { AppShelf } from './apps/app-shelf.ts';
import { ProjectApps } from './apps/project-apps.ts';
import { type Asker, house, mayIn } from './asker.ts';
import { layersOf } from './contract/protocol-schema.ts';
import { handOver, handoversDue } from './handover/archive-handover.ts';
import { type LabelRemote, sendingsDue, sendLabel } from './handover/label-sender.ts';
import { ModelShelf } from './models/model-shelf.ts';
import { Models } from './models/models.ts';
import { beginWith } from './models/proposals.ts';
import { readingOrder } from './models/reading-order.ts';
import { ReadingError } from './reading-error.ts';
import { Agreements } from './room/agreements.ts';
import { type MeasureSummary, measuresOf } from './room/measures.ts';
import { eventBy, Projects, unknownProject, wantLead } from './room/projects.ts';
import { Readings } from './room/readings.ts';
import { Reviews } from './room/reviews.ts';
import { inProject, type Recorder, unrecorded } from './room/room-act.ts';
import { caseById, changeAndTell, noteSight, protocolOf, type RoomParts, unknownCase } from './room/room-parts.ts';
import { TaskBook } from './room/task-book.ts';
import { type BesideSeries, checkBeside, seriesBeside } from './series/series-beside.ts';
import { type SeriesVolume, SeriesVolumes } from './series/series-volumes.ts';
import { EventChain, eventOf, type ReadingEvent } from './store/event-chain.ts';
import { forgetCases } from './store/forgetting.ts';
import { openReadingDatabase } from './store/reading-database.ts';
import { rowsFor } from './store/rows-for.ts';
import { eventIsVisible, taskIsVisible } from './store/sight.ts';
import { type ModelName, type Version, VersionStore } from './store/version-store.ts';

export interface ReadingRoomOptions {
  /** Of the archive. */
  readonly directory: string;
  readonly clock: ArchiveClock;
  /** Where approved labels are sent, besides the archive. */
  readonly labelRemote?: LabelRemote;
  /** For the audit log. */
  readonly record?: Recorder;
  /** The program of the process in which models compute. */
  readonly modelWorker?: URL;
  /** Folders of annotation apps, besides those that come with Consilium. */
  readonly apps?: readonly string[];
  /** What could not be done by itself, and is tried again at the next start or hand-in. */
  readonly onTrouble?: (error: unknown) => void;
}

export class ReadingRoom implements AsyncDisposable {
  readonly projects: Projects;
  readonly tasks: TaskBook;
  readonly readings: Readings;
  readonly reviews: Reviews;
  readonly agreements: Agreements;
  /** From what projects are made. */
  readonly apps: ProjectApps;
  /** What proposes. */
  readonly models: Models;
  readonly volumes: SeriesVolumes;
  readonly #parts: RoomParts;
  readonly #listeners: Set<(event: ReadingEvent) => void>;
  readonly #onTrouble: (error: unknown) => void;
  readonly #forgetting: Disposable;
  readonly #labelRemote: LabelRemote | undefined;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(
    parts: RoomParts,
    listeners: Set<(event: ReadingEvent) => void>,
    {
      appShelf,
      labelRemote,
      modelWorker,
      onTrouble = () => {},
      shelf,
    }: ReadingRoomOptions & { readonly shelf: ModelShelf; readonly appShelf: AppShelf },
  ) {
    this.#labelRemote = labelRemote;
    this.#parts = parts;
    this.#listeners = listeners;
    this.#onTrouble = onTrouble;
    this.volumes = parts.volumes;
    this.projects = new Projects(parts);
    this.apps = new ProjectApps(parts, this.projects, appShelf);
    this.tasks = new TaskBook(parts, (project, cases) => readingOrder(parts, project, cases));
    this.readings = new Readings(parts, this.tasks);
    this.reviews = new Reviews(parts, this.tasks);
    this.agreements = new Agreements(parts, this.tasks, {
      settle: (readers, options) => this.models.compare({ kind: 'settle', readers, ...options }),
      dispute: (readers, geometry) => this.models.compare({ kind: 'dispute', readers, geometry }),
    });
    this.models = new Models(parts, {
      ...{ shelf, projects: this.projects, readings: this.readings, tasks: this.tasks, onTrouble },
      ...(modelWorker === undefined ? {} : { worker: modelWorker }),
    });
    this.#forgetting = parts.archive.erasure.alsoBy((series) => forgetCases(parts, series));
    listeners.add(({ kind }) => {
      if (kind === 'submitted' || kind === 'approved') this.#goOn();
    });
  }

  /** Goes on with what was under way when it was closed, however that was. @throws ReadingError `reading.store-version` */
  static async open(archive: Archive, options: ReadingRoomOptions): Promise<ReadingRoom> {
    const { clock, directory } = options;
    const path = join(directory, 'reading');
    await makeDirectory(path);
    const database = openReadingDatabase(path);
    try {
      const versions = new VersionStore(database, await ContentDirectory.open(join(path, 'labels')));
      await versions.sweep();
      const listeners = new Set<(event: ReadingEvent) => void>();
      const parts: RoomParts = {
        ...{ archive, clock, database, versions },
        commits: new CommitGroup(database, path),
        volumes: new SeriesVolumes(archive.catalogue),
        chain: new EventChain(database),
        ...{ secret: secretOf(database), record: options.record ?? unrecorded },
        tell: (event) => {
          for (const listener of listeners) listener(event);
        },
      };
      await forgetCases(parts, goneSeries(parts));
      const shelf = new ModelShelf(parts, await ContentDirectory.open(join(path, 'models')));
      await shelf.sweep();
      const appShelf = await AppShelf.open(options.apps ?? [], options.onTrouble);
      const room = new ReadingRoom(parts, listeners, { ...options, shelf, appShelf });
      room.#goOn();
      await room.models.resume();
      return room;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** @throws ReadingError `reading.project-unknown` unless the asker belongs to it */
  enter(asker: Asker, project: string): void {
    const { database } = this.#parts;
    const isKnown = database.prepare('SELECT 1 FROM project WHERE name = ?').get(project) !== undefined;
    if (!isKnown || !mayIn(asker, project)) throw unknownProject();
  }

  /** Those that the asker may see, the oldest first. */
  versions(asker: Asker, project: string, caseId?: string): readonly Version[] {
    return this.#parts.versions.list(asker, project, caseId);
  }

  /** @throws ReadingError `reading.version-unknown` also for those that are not the asker's to see */
  async version(asker: Asker, project: string, id: string): Promise<Version> {
    const version = this.#parts.versions.find(asker, project, id);
    if (version === undefined) {
      throw new ReadingError('reading.version-unknown', 'The project has no such version, or not for you.');
    }
    const isOthers = version.kind !== 'proposal' && version.person !== asker.person;
    if (isOthers) await noteSight(this.#parts, asker, version.caseId);
    return version;
  }

  /** Runs of a layer. @throws as `version` */
  async labelRuns(asker: Asker, project: string, { id, layer }: { id: string; layer: number }): Promise<Uint8Array> {
    const { layers } = await this.version(asker, project, id);
    const sha256 = layers[layer];
    if (sha256 === undefined) throw new ReadingError('reading.version-unknown', 'The version has no such layer.');
    return this.#parts.versions.runs(sha256);
  }

  /** Voxels by layer. @throws as `version` */
  async label(asker: Asker, project: string, id: string): Promise<readonly Uint8Array[]> {
    const version = await this.version(asker, project, id);
    return this.#parts.versions.layers(version, caseById(this.#parts, version.caseId).geometry);
  }

  /** The image of a case in which the asker has anything to do. @throws ReadingError `reading.case-unknown` */
  caseOf(asker: Asker, project: string, caseId: string): ReturnType<typeof caseById> {
    const sql = `SELECT 1 FROM task JOIN reading_case ON reading_case.id = task.case_id
      WHERE case_id = :case AND project = :project AND ${taskIsVisible}`;
    if (rowsFor(this.#parts, sql, asker, { ':case': caseId, ':project': project }).length === 0) throw unknownCase();
    return caseById(this.#parts, caseId);
  }

  /** What can be looked at beside a case. @throws as `caseOf` */
  seriesBeside(asker: Asker, project: string, caseId: string): readonly BesideSeries[] {
    return seriesBeside(this.#parts.archive.catalogue, this.caseOf(asker, project, caseId).seriesInstanceUid);
  }

  /** @throws as `caseOf`; ReadingError `reading.series-unknown`, `reading.series-unfit` */
  async volumeBeside(
    asker: Asker,
    project: string,
    { caseId, series }: { caseId: string; series: string },
  ): Promise<SeriesVolume> {
    checkBeside(this.#parts.archive.catalogue, this.caseOf(asker, project, caseId).seriesInstanceUid, series);
    return this.volumes.open(series);
  }

  /**
   * A model's label for a case: drawing begins with it, for tasks that nobody has begun.
   * @param layers voxels by layer, on the grid of the case.
   * @throws ReadingError `reading.role-wanted`, `reading.case-unknown`
   */
  async propose(
    asker: Asker,
    {
      caseId,
      layers,
      model,
      project,
    }: { project: string; caseId: string; layers: readonly Uint8Array[]; model: ModelName },
  ): Promise<string> {
    wantLead(asker);
    const { clock, database, versions } = this.#parts;
    const row = database
      .prepare('SELECT SeriesInstanceUID FROM reading_case WHERE id = ? AND project = ?')
      .get(caseId, project);
    if (row === undefined) throw unknownCase();
    const { protocol, version: protocolVersion } = this.projects.protocol(project);
    if (layers.length !== layersOf(protocol))
      throw new ReadingError('reading.grid-mismatch', 'The proposal has other layers than the protocol.');
    const version = await versions.prepare(
      {
        ...{ project, caseId, protocolVersion, kind: 'proposal', parents: [], taskId: undefined, form: {} },
        seriesInstanceUid: String(row['SeriesInstanceUID']),
        ...{ person: house.person, role: 'model', provenance: { models: [model] } },
      },
      layers,
    );
    return changeAndTell(this.#parts, () => {
      versions.insert(version, clock.nowMs());
      beginWith(this.#parts, version);
      const facts = { version: version.id, model };
      return { value: version.id, event: { ...eventBy(asker), kind: 'proposed', project, caseId, facts } };
    });
  }

  /** That somebody would have a model trained is written down for who leads the project; it begins nothing. */
  async wishForTraining(asker: Asker, project: string, model: string): Promise<void> {
    await changeAndTell(this.#parts, () => {
      const event = { ...eventBy(asker), kind: 'training-wished', project, facts: { model } };
      return { value: undefined, event };
    });
  }

  measures(asker: Asker, project: string): MeasureSummary {
    return measuresOf(this.#parts, asker, project);
  }

  /** After a number, in order; those that the asker may see. */
  events(asker: Asker, project: string, { limit, since }: { since: number; limit: number }): readonly ReadingEvent[] {
    const sql = `SELECT * FROM event WHERE (project = :project) AND seq > :since AND ${eventIsVisible}
      ORDER BY seq LIMIT :limit`;
    return rowsFor(this.#parts, sql, asker, { ':project': project, ':since': since, ':limit': limit }).map(eventOf);
  }

  /** The first event that was altered; undefined if none was. */
  firstBrokenEvent(): number | undefined {
    return this.#parts.chain.firstBroken();
  }

  /** Told of every event; what is told of it to persons is asked for by `events`. */
  listen(listener: () => void): Disposable {
    const told = () => listener();
    this.#listeners.add(told);
    return { [Symbol.dispose]: () => this.#listeners.delete(told) };
  }

  /** Resolves when nothing is being done by itself any more, but for what models do. */
  async idle(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== this.#work; ) {
      seen = this.#work;
      await seen;
    }
  }

  protocolOf(project: string, version: number) {
    return protocolOf(this.#parts, project, version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#forgetting[Symbol.dispose]();
    await this.models[Symbol.asyncDispose]();
    await this.idle();
    this.#parts.commits.flush();
    this.#parts.database.close();
  }

  /** Gives a label out as a file. @throws as `version` */
  async giveOut<T>(
    asker: Asker,
    project: string,
    { id, make }: { id: string; make: (version: Version) => Promise<T> },
  ): Promise<T> {
    const version = await this.version(asker, project, id);
    const subjects = inProject(project, { kind: 'label', digest: id });
    return this.#parts.record({ action: 'label.exported', person: asker.person, subjects }, () => make(version));
  }

  #byItself(
    action: 'label.handed-over' | 'label.exported',
    id: string,
    done: (parts: RoomParts, id: string) => Promise<void>,
  ): Promise<void> {
    const { project } = this.#parts.versions.get(id);
    const act = { action, person: house.person, subjects: inProject(project, { kind: 'label', digest: id }) };
    return this.#parts.record(act, () => done(this.#parts, id));
  }

  /** What follows from what was handed in or approved. What is due stands in the tables, so it goes on after a kill. */
  #goOn(): void {
    this.#work = this.#work.then(async () => {
      const chores = [
        ...this.agreements.due().map((caseId) => () => this.agreements.settle(caseId)),
        ...handoversDue(this.#parts).map((id) => () => this.#byItself('label.handed-over', id, handOver)),
      ];
      for (const chore of chores) if (!this.#isClosed) await chore().catch(this.#onTrouble);
      const remote = this.#labelRemote;
      if (remote === undefined) return;
      for (const versionId of sendingsDue(this.#parts)) {
        if (this.#isClosed) return;
        const send = () => sendLabel(this.#parts, versionId, remote);
        await this.#byItself('label.exported', versionId, send).catch(this.#onTrouble);
      }
    });
  }
}

/** Of cases, the series that the archive has no longer. */
function goneSeries({ archive, database }: RoomParts): readonly string[] {
  return database
    .prepare('SELECT DISTINCT SeriesInstanceUID FROM reading_case')
    .all()
    .map((row) => String(row['SeriesInstanceUID']))
    .filter((uid) => !archive.catalogue.holdsSeries(uid));
}

/** Made once; keys what stands for persons in files that leave the reading room. */
function secretOf(database: DatabaseSync): Uint8Array {
  database.exec(
    'CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL) STRICT',
  );
  database.prepare('INSERT OR IGNORE INTO secret VALUES (1, ?)').run(randomBytes(32));
  return database.prepare('SELECT value FROM secret').get()!['value'] as Uint8Array;
}
