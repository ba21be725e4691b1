/**
 * The archive's door: takes an instance in as it came, de-identifies it, stores it, lists it, and answers when all that is
 * durable. What cannot be taken in goes to quarantine, encrypted.
 */
import type { Admission, Door, Origin } from './admission.ts';
import type { ArchiveClock } from './archive-clock.ts';
import type { ArchiveEvents } from './archive-events.ts';
import type { Preparation, Preparer } from './preparation.ts';
import { isSameContent } from './same-content.ts';
import type { Annotations } from './store/annotations.ts';
import type { CommitGroup } from './store/commit-group.ts';
import type { ContentDirectory } from './store/content-directory.ts';
import type { IdentityMap } from './store/identity-map.ts';
import { type InstanceRecorder, patientIdOf, type RecordOutcome } from './store/instance-recorder.ts';
import type { InstanceStore } from './store/instance-store.ts';
import type { Quarantine, QuarantineReason } from './store/quarantine.ts';

export interface DoorParts {
  readonly preparer: Preparer;
  readonly instances: ContentDirectory;
  readonly store: InstanceStore;
  readonly recorder: InstanceRecorder;
  readonly annotations: Annotations;
  readonly commits: CommitGroup;
  readonly identities: IdentityMap;
  readonly quarantine: Quarantine;
  readonly events: ArchiveEvents;
  readonly clock: ArchiveClock;
  readonly instanceBytesMax: number;
}

export class ArchiveDoor implements Door {
  readonly #parts: DoorParts;

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  async admit(bytes: Uint8Array, origin: Origin): Promise<Admission> {
    const { instanceBytesMax, preparer } = this.#parts;
    if (bytes.length > instanceBytesMax) {
      return this.#refuse(bytes, origin, {
        source: preparer.sourceOf(bytes),
        sopInstanceUid: undefined,
        reason: tooLarge,
      });
    }
    const prepared = await preparer.prepare(bytes);
    const { source } = prepared;
    if (prepared.kind === 'refused') return this.#refuse(bytes, origin, prepared);
    if (this.#parts.recorder.isErased(patientIdOf(prepared.header))) return refusedAsErased;
    const { outcome, sopInstanceUid } = await this.#store(prepared);
    switch (outcome.kind) {
      case 'stored':
      case 'duplicate':
        return { kind: outcome.kind, sopInstanceUid };
      case 'conflict':
        if (await this.#isKept(prepared.file.bytes, outcome.storedSha256)) {
          return { kind: 'duplicate', sopInstanceUid };
        }
        await this.#findConflict(outcome.seriesId);
        return this.#refuse(bytes, origin, { source, sopInstanceUid, reason: conflict });
      case 'misplaced':
        return this.#refuse(bytes, origin, { source, sopInstanceUid, reason: misplaced });
      case 'erased':
        return refusedAsErased;
    }
  }

  /**
   * Tries to take a file in quarantine in, after the rules or the archive have changed. If it is refused again, it stays.
   * @throws ArchiveError `archive.quarantine-unknown`, `archive.key-wrong`
   */
  async release(quarantineId: string): Promise<Admission> {
    const { bytes, origin } = await this.#parts.quarantine.read(quarantineId);
    const admission = await this.admit(bytes, origin);
    if (admission.kind !== 'refused') await this.#parts.quarantine.delete(quarantineId);
    return admission;
  }

  async #store({
    file,
    header,
    sha256,
    source,
  }: Extract<Preparation, { kind: 'prepared' }>): Promise<{ outcome: RecordOutcome; sopInstanceUid: string }> {
    const { store, recorder, identities, clock } = this.#parts;
    const stated = (keyword: string): string => header.attributes.get(keyword)![0]!;
    const sopInstanceUid = stated('SOPInstanceUID');
    const before = recorder.known(sopInstanceUid, { sha256, source });
    if (before !== undefined) return { outcome: before, sopInstanceUid };
    // Of each instance the original UID would be one more to keep, and nobody asks for it.
    const { SOPInstanceUID: _, ...series } = file.identity.series;
    const known = [
      { level: 'subject', pseudonym: patientIdOf(header), facts: file.identity.subject },
      { level: 'study', pseudonym: stated('StudyInstanceUID'), facts: file.identity.study },
      { level: 'series', pseudonym: stated('SeriesInstanceUID'), facts: series },
    ] as const;
    identities.remember(known);
    const { bytes, changes } = file;
    const outcome = await store.store({ header, bytes, sha256, source, nowMs: clock.nowMs(), changes });
    if (outcome.kind === 'erased') identities.forget(known);
    if (outcome.kind === 'stored') {
      const seriesInstanceUid = stated('SeriesInstanceUID');
      this.#parts.events.tell({ kind: 'stored', studyInstanceUid: stated('StudyInstanceUID'), seriesInstanceUid });
    }
    return { outcome, sopInstanceUid };
  }

  /** The same instance may come in another transfer syntax than before. */
  async #isKept(bytes: Uint8Array, storedSha256: string): Promise<boolean> {
    const kept = await this.#parts.instances.get(storedSha256).catch(() => undefined);
    return kept !== undefined && isSameContent(kept, bytes);
  }

  async #findConflict(seriesId: number): Promise<void> {
    const { commits, annotations, clock } = this.#parts;
    const nowMs = clock.nowMs();
    await commits.run(() =>
      annotations.find(seriesId, {
        code: conflict.code,
        severity: 'warning',
        message: conflict.message,
        source: 'door',
        createdMs: nowMs,
      }),
    );
  }

  async #refuse(
    bytes: Uint8Array,
    origin: Origin,
    { reason, ...names }: Pick<Extract<Preparation, { kind: 'refused' }>, 'source' | 'sopInstanceUid' | 'reason'>,
  ): Promise<Admission> {
    const { quarantine, events, clock } = this.#parts;
    const quarantineId = await quarantine.keep(bytes, { ...names, origin, reason, nowMs: clock.nowMs() });
    events.tell({ kind: 'quarantined', quarantineId, code: reason.code });
    return { kind: 'refused', code: reason.code, message: reason.message, quarantineId };
  }
}

/** Kept nowhere, also not in quarantine: the patient wants it so. */
const refusedAsErased: Admission = {
  kind: 'refused',
  code: 'archive.subject-erased',
  message: 'The subject was erased from this archive and may not come in again.',
  quarantineId: undefined,
};

const tooLarge: QuarantineReason = {
  code: 'archive.instance-too-large',
  message: 'The instance is larger than the archive’s settings allow.',
  detail: undefined,
};

const conflict: QuarantineReason = {
  code: 'archive.instance-conflict',
  message: 'Another instance with the same SOP Instance UID is stored already, and its content differs.',
  detail: undefined,
};

const misplaced: QuarantineReason = {
  code: 'archive.instance-misplaced',
  message: 'The study belongs to another patient already, or the series to another study.',
  detail: undefined,
};
