/**
 * Erasing a subject whose consent was withdrawn (GDPR Art. 17): everything of the person goes, and stays away. It is written
 * down before anything is removed, and goes on after a kill. What remains is the pseudonym with reason and time, in
 * `erasures.jsonl` and with the cohorts' versions that lost series.
 */
import { appendFile, readFile } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import type { ImportLedger } from '../intake/import-ledger.ts';
import type { CommitGroup } from '../store/commit-group.ts';
import type { ContentDirectory } from '../store/content-directory.ts';
import type { IdentityLevel, IdentityMap } from '../store/identity-map.ts';
import type { InstanceStore } from '../store/instance-store.ts';
import type { Quarantine } from '../store/quarantine.ts';
import { storageError } from '../store/storage-error.ts';
import { removeSubjectRows, type SubjectRemains } from './subject-rows.ts';
import { SubjectTraces } from './subject-traces.ts';

export interface ErasureParts {
  readonly database: DatabaseSync;
  readonly commits: CommitGroup;
  readonly instances: ContentDirectory;
  readonly labels: ContentDirectory;
  readonly store: InstanceStore;
  readonly identities: IdentityMap;
  readonly quarantine: Quarantine;
  readonly ledger: ImportLedger;
  /** Keys the pseudonyms. */
  readonly secret: Uint8Array;
  readonly clock: ArchiveClock;
  /** Of the file that is only added to. */
  readonly recordPath: string;
}

export interface ErasedSubject {
  /** The pseudonym. */
  readonly patientId: string;
  readonly reason: string;
  readonly erasedMs: number;
  /** `allowed`: what comes of the subject is taken in again. */
  readonly state: 'begun' | 'done' | 'allowed';
}

/** Removes what somebody else keeps of series that are erased, by their UIDs in the archive; may be asked twice. */
type ForgetSeries = (seriesInstanceUids: readonly string[]) => Promise<void>;

export class Erasure {
  readonly #parts: ErasureParts;
  readonly #others = new Set<ForgetSeries>();

  constructor(parts: ErasureParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when nothing of the subject is left. From the first moment on nothing of it is taken in.
   * @param reason written down: it must not name the person.
   * @throws ArchiveError `archive.subject-unknown`, `archive.disk-full`, `archive.not-writable`, `archive.key-wrong`
   */
  async erase(patientId: string, reason: string): Promise<ErasedSubject> {
    const { database, commits, clock } = this.#parts;
    const erasedMs = clock.nowMs();
    await commits.run(() => {
      const subject = database.prepare('SELECT id FROM subject WHERE PatientID = ?').get(patientId);
      if (subject === undefined) {
        if (this.#find(patientId)?.state === 'begun') return;
        throw new ArchiveError('archive.subject-unknown', 'There is no such subject in the archive.');
      }
      const rest = removeSubjectRows(database, { patientId, subjectId: Number(subject['id']), reason, erasedMs });
      database
        .prepare("INSERT OR REPLACE INTO erasure VALUES (?, ?, ?, 'begun', ?)")
        .run(patientId, reason, erasedMs, JSON.stringify(rest));
    });
    await this.#finish(patientId);
    return this.#find(patientId)!;
  }

  /**
   * Has others forget as well, before an erasure is done. One that is taken up as the archive is opened does not know them
   * yet: whoever keeps something of series looks at its own opening which are gone.
   */
  alsoBy(forget: ForgetSeries): Disposable {
    this.#others.add(forget);
    return { [Symbol.dispose]: () => void this.#others.delete(forget) };
  }

  /** Goes on with what was begun when the archive was closed or its process killed. @throws as `erase` */
  async resume(): Promise<void> {
    for (const { patientId, state } of this.list()) if (state === 'begun') await this.#finish(patientId);
  }

  /**
   * Lets a subject in again, as after a consent that was given anew.
   * @throws ArchiveError `archive.subject-unknown` if it was not erased
   */
  async allow(patientId: string, reason: string): Promise<void> {
    const { database, commits, clock } = this.#parts;
    const { changes } = await commits.run(() =>
      database.prepare("UPDATE erasure SET state = 'allowed' WHERE PatientID = ? AND state = 'done'").run(patientId),
    );
    if (changes === 0) throw new ArchiveError('archive.subject-unknown', 'No such subject was erased.');
    await this.#record({ event: 'allowed', patientId, reason, timeMs: clock.nowMs() });
  }

  /** In order of time. */
  list(): readonly ErasedSubject[] {
    return this.#parts.database
      .prepare('SELECT * FROM erasure ORDER BY erased_ms, PatientID')
      .all()
      .map((row) => ({
        patientId: String(row['PatientID']),
        reason: String(row['reason']),
        erasedMs: Number(row['erased_ms']),
        state: String(row['state']) as ErasedSubject['state'],
      }));
  }

  #find(patientId: string): ErasedSubject | undefined {
    return this.list().find((one) => one.patientId === patientId);
  }

  /** What a transaction cannot remove; may be done again from any point. The map of identities goes last: it is needed. */
  async #finish(patientId: string): Promise<void> {
    const { database, commits, instances, labels, store, identities, quarantine, ledger, secret } = this.#parts;
    const { reason, erasedMs } = this.#find(patientId)!;
    const row = database.prepare('SELECT rest FROM erasure WHERE PatientID = ?').get(patientId)!;
    const rest = JSON.parse(String(row['rest'])) as SubjectRemains;
    // What came of the subject last may still stand in the journal.
    await store.empty();
    for (const sha256 of rest.instances) await instances.remove(sha256);
    for (const sha256 of rest.labels) await labels.remove(sha256);
    for (const forget of this.#others) await forget(rest.series);
    const facts = identities.reidentify('subject', patientId);
    const traces = new SubjectTraces(patientId, { facts, secret });
    await ledger.forget((path) => traces.isInPath(path));
    await quarantine.deleteWhere((bytes) => traces.isIn(bytes));
    const known = (level: IdentityLevel) => (pseudonym: string) => ({ level, pseudonym });
    identities.forget([
      { level: 'subject', pseudonym: patientId },
      ...rest.studies.map(known('study')),
      ...rest.series.map(known('series')),
    ]);
    await this.#record({ event: 'erased', patientId, reason, timeMs: erasedMs });
    await commits.run(() =>
      database.prepare("UPDATE erasure SET state = 'done', rest = '{}' WHERE PatientID = ?").run(patientId),
    );
    // What was removed is overwritten in the log, too.
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** Once, however often an erasure goes on. */
  async #record(entry: {
    event: 'erased' | 'allowed';
    patientId: string;
    reason: string;
    timeMs: number;
  }): Promise<void> {
    const { recordPath } = this.#parts;
    const { event, patientId, reason, timeMs } = entry;
    const line = `${JSON.stringify({ time: new Date(timeMs).toISOString(), event, subject: patientId, reason })}\n`;
    try {
      if ((await readFile(recordPath, 'utf8').catch(() => '')).includes(line)) return;
      await appendFile(recordPath, line, { mode: 0o600, flush: true });
    } catch (error) {
      throw storageError(error, recordPath);
    }
  }
}
