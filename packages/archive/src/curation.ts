/** What people say of series: tags, notes, findings of their own, a phase that was guessed wrongly. Durable when resolved. */
import type { DatabaseSync } from 'node:sqlite';
import type { ArchiveClock } from './archive-clock.ts';
import type { Catalogue } from './catalogue.ts';
import type { Phase } from './derive/phase-guess.ts';
import type { Annotations, Severity } from './store/annotations.ts';
import type { CommitGroup } from './store/commit-group.ts';

export class Curation {
  readonly #parts: {
    readonly database: DatabaseSync;
    readonly catalogue: Catalogue;
    readonly annotations: Annotations;
    readonly commits: CommitGroup;
    readonly clock: ArchiveClock;
  };

  constructor(parts: {
    database: DatabaseSync;
    catalogue: Catalogue;
    annotations: Annotations;
    commits: CommitGroup;
    clock: ArchiveClock;
  }) {
    this.#parts = parts;
  }

  /** @throws ArchiveError `archive.series-unknown` */
  tag(seriesInstanceUid: string, name: string): Promise<void> {
    return this.#change(seriesInstanceUid, (id) => this.#parts.annotations.tag(id, name));
  }

  /** @throws ArchiveError `archive.series-unknown` */
  untag(seriesInstanceUid: string, name: string): Promise<void> {
    return this.#change(seriesInstanceUid, (id) => this.#parts.annotations.untag(id, name));
  }

  /** @throws ArchiveError `archive.series-unknown` */
  note(seriesInstanceUid: string, { author, text }: { author: string; text: string }): Promise<void> {
    const createdMs = this.#parts.clock.nowMs();
    return this.#change(seriesInstanceUid, (id) => this.#parts.annotations.note(id, { author, text, createdMs }));
  }

  /**
   * A finding of a person or a program; of severity `failed`, it keeps the series out of cohorts.
   * @throws ArchiveError `archive.series-unknown`
   */
  find(
    seriesInstanceUid: string,
    finding: { code: string; severity: Severity; message: string; source: string },
  ): Promise<void> {
    const createdMs = this.#parts.clock.nowMs();
    return this.#change(seriesInstanceUid, (id) => this.#parts.annotations.find(id, { ...finding, createdMs }));
  }

  /** A finding about the series of an instance, if it is there. */
  async findOfInstance(
    sopInstanceUid: string,
    finding: { code: string; severity: Severity; message: string; source: string },
  ): Promise<void> {
    const { annotations, clock, commits, database } = this.#parts;
    const createdMs = clock.nowMs();
    await commits.run(() => {
      const row = database.prepare('SELECT series_id FROM instance WHERE SOPInstanceUID = ?').get(sopInstanceUid);
      if (row !== undefined) annotations.find(Number(row['series_id']), { ...finding, createdMs });
    });
  }

  /** @throws ArchiveError `archive.series-unknown` */
  withdrawFinding(seriesInstanceUid: string, finding: { code: string; source: string }): Promise<void> {
    return this.#change(seriesInstanceUid, (id) => this.#parts.annotations.forget(id, finding));
  }

  /** A phase that a person sets is not guessed again. @throws ArchiveError `archive.series-unknown` */
  setPhase(seriesInstanceUid: string, phase: Phase): Promise<void> {
    return this.#change(seriesInstanceUid, (id) => {
      const { database, annotations } = this.#parts;
      database.prepare("UPDATE series SET phase = ?, phase_source = 'person' WHERE id = ?").run(phase, id);
      annotations.refreshText(id);
    });
  }

  #change(seriesInstanceUid: string, change: (seriesId: number) => void): Promise<void> {
    return this.#parts.commits.run(() => change(this.#parts.catalogue.seriesId(seriesInstanceUid)));
  }
}
