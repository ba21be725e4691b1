/**
 * Takes in what is no DICOM: a volume in NIfTI or NRRD and its segmentation. NRRD is kept as NIfTI. Names become pseudonyms and texts in headers go; the
 * original is kept nowhere, also not in quarantine: what is refused stays where it was.
 */
import { createHmac } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { decodeNifti, encodeNifti, ImagingError, Pseudonyms, toLabelMap } from '@consilium/imaging';
import type { ArchiveClock } from '../archive-clock.ts';
import { ArchiveError } from '../archive-error.ts';
import type { Annotations } from '../store/annotations.ts';
import type { CommitGroup } from '../store/commit-group.ts';
import { type ContentDirectory, sha256Of } from '../store/content-directory.ts';
import type { IdentityMap } from '../store/identity-map.ts';
import type { InstanceHeader } from '../store/instance-header.ts';
import type { InstanceRecorder } from '../store/instance-recorder.ts';
import { type LabelProvenance, segmentationsOf, upsertLabel } from '../store/label-store.ts';
import { syntheticTag } from '../store/synthetic-series.ts';
import { cleanNifti } from './clean-nifti.ts';
import { decodeNrrd } from './decode-nrrd.ts';

export interface VolumeDoorParts {
  /** Keys the pseudonyms. */
  readonly secret: Uint8Array;
  readonly database: DatabaseSync;
  readonly instances: ContentDirectory;
  readonly labels: ContentDirectory;
  readonly recorder: InstanceRecorder;
  readonly annotations: Annotations;
  readonly commits: CommitGroup;
  readonly identities: IdentityMap;
  readonly clock: ArchiveClock;
  readonly bytesMax: number;
}

/** Which volume of whom, by the names it came with: identified. */
export interface VolumeName {
  readonly subject: string;
  readonly session: string;
  readonly name: string;
  readonly modality: string;
  /** Whether it is said beside the file that it was made artificially. */
  readonly isSynthetic: boolean;
}

export type VolumeAdmission =
  | { readonly kind: 'stored' | 'duplicate'; readonly seriesInstanceUid: string }
  | { readonly kind: 'refused'; readonly code: string };

type ReadFile =
  | {
      readonly kind: 'read';
      readonly cleaned: Uint8Array;
      readonly saysSynthetic: boolean;
      readonly segmentNames: Readonly<Record<string, string>> | undefined;
    }
  | { readonly kind: 'refused'; readonly code: string };

export class VolumeDoor {
  readonly #parts: VolumeDoorParts;
  readonly #pseudonyms: Pseudonyms;

  constructor(parts: VolumeDoorParts) {
    this.#parts = parts;
    this.#pseudonyms = new Pseudonyms(parts.secret);
  }

  /** @param bytes NIfTI or NRRD. @throws ArchiveError `archive.disk-full`, `archive.not-writable` */
  async admit(bytes: Uint8Array, volume: VolumeName): Promise<VolumeAdmission> {
    const { secret, instances, recorder, annotations, commits, identities, clock } = this.#parts;
    const read = this.#read(bytes, decodeNifti);
    if (read.kind === 'refused') return read;
    const { cleaned } = read;
    const isSynthetic = volume.isSynthetic || read.saysSynthetic;
    const header = this.#headerOf(volume);
    const stated = (keyword: string): string => header.attributes.get(keyword)![0]!;
    const seriesInstanceUid = stated('SeriesInstanceUID');
    const source = createHmac('sha256', secret).update(bytes).digest();
    const sha256 = sha256Of(cleaned);
    const known = recorder.known(stated('SOPInstanceUID'), { sha256, source });
    if (known?.kind === 'duplicate') return { kind: 'duplicate', seriesInstanceUid };
    if (known !== undefined) return { kind: 'refused', code: 'archive.instance-conflict' };
    if (recorder.isErased(stated('PatientID'))) return { kind: 'refused', code: 'archive.subject-erased' };
    const names = [
      { level: 'subject', pseudonym: stated('PatientID'), facts: { Name: volume.subject } },
      { level: 'study', pseudonym: stated('StudyInstanceUID'), facts: { Session: volume.session } },
      { level: 'series', pseudonym: seriesInstanceUid, facts: { Name: volume.name } },
    ] as const;
    identities.remember(names);
    await instances.put(cleaned, sha256);
    const nowMs = clock.nowMs();
    const outcome = await commits.run(() => {
      const recorded = recorder.record({
        ...{ header, format: 'file', sha256, source, sizeBytes: cleaned.length, nowMs },
        changes: [{ tag: 'nifti', action: 'cleaned', reason: 'texts and extensions of the header', count: 1 }],
      });
      if (recorded.kind === 'stored') {
        if (isSynthetic) annotations.tag(recorded.seriesId, syntheticTag);
        annotations.refreshText(recorded.seriesId);
      }
      return recorded;
    });
    if (outcome.kind === 'erased') {
      // While it came. Others may have the same voxels: a file without a row is cleared away at the next start.
      identities.forget(names);
      return { kind: 'refused', code: 'archive.subject-erased' };
    }
    if (outcome.kind === 'stored' || outcome.kind === 'duplicate') return { kind: outcome.kind, seriesInstanceUid };
    return { kind: 'refused', code: 'archive.instance-conflict' };
  }

  /**
   * A segmentation of a volume that was taken in.
   * @param bytes NIfTI or NRRD, which may name its segments.
   * @throws ArchiveError `archive.disk-full`, `archive.not-writable`
   */
  async admitLabel(
    bytes: Uint8Array,
    { seriesInstanceUid, segmentNames }: { seriesInstanceUid: string; segmentNames: Readonly<Record<string, string>> },
  ): Promise<VolumeAdmission> {
    const { database, labels, commits, clock } = this.#parts;
    const read = this.#read(bytes, (nifti) => toLabelMap(decodeNifti(nifti)));
    if (read.kind === 'refused') return read;
    const sha256 = await labels.put(read.cleaned);
    const createdMs = clock.nowMs();
    const provenance: LabelProvenance = {
      ...{ kind: 'unknown', algorithm: undefined, sopInstanceUid: undefined },
      segmentNames: read.segmentNames ?? segmentNames,
    };
    const isNew = await commits.run(() => {
      const row = database.prepare('SELECT id FROM series WHERE SeriesInstanceUID = ?').get(seriesInstanceUid);
      // Its subject was erased meanwhile.
      if (row === undefined) return undefined;
      const seriesId = Number(row['id']);
      if (segmentationsOf(database, seriesId).some((label) => label.sha256 === sha256)) return false;
      const nothing = { segments: [], isOnGrid: false, volumeMl: undefined, tumourMl: undefined };
      upsertLabel(database, seriesId, { ...nothing, format: 'nifti', sha256, provenance, createdMs });
      database
        .prepare("UPDATE series SET state = 'settled' WHERE id = ? AND state IN ('described', 'unreadable')")
        .run(seriesId);
      return true;
    });
    if (isNew === undefined) return { kind: 'refused', code: 'archive.subject-erased' };
    return { kind: isNew ? 'stored' : 'duplicate', seriesInstanceUid };
  }

  /** @param check throws if it is not what it should be. */
  #read(bytes: Uint8Array, check: (nifti: Uint8Array) => unknown): ReadFile {
    const { bytesMax } = this.#parts;
    if (bytes.length > bytesMax) return { kind: 'refused', code: 'archive.instance-too-large' };
    try {
      const nrrd = isNrrd(bytes) ? decodeNrrd(bytes, { bytesMax }) : undefined;
      const nifti = nrrd === undefined ? bytes : encodeNifti(nrrd.volume);
      check(nifti);
      const { bytes: cleaned, saysSynthetic } = cleanNifti(nifti, { bytesMax });
      return { kind: 'read', cleaned, saysSynthetic, segmentNames: nrrd?.segmentNames };
    } catch (error) {
      if (error instanceof ImagingError) return { kind: 'refused', code: error.code };
      if (error instanceof ArchiveError && error.code === 'archive.nrrd-unreadable') {
        return { kind: 'refused', code: error.code };
      }
      throw error;
    }
  }

  #headerOf({ subject, session, name, modality }: VolumeName): InstanceHeader {
    const uid = (...names: readonly string[]): string => this.#pseudonyms.uid(JSON.stringify(['volume', ...names]));
    // The same key as of a DICOM patient with this ID: whoever comes both ways is one subject.
    const patientId = this.#pseudonyms.subject(JSON.stringify(['id', '', subject.normalize('NFC').trim()]));
    const attributes = new Map([
      ['PatientID', [patientId]],
      ['PatientName', [patientId]],
      ['StudyInstanceUID', [uid('study', subject, session)]],
      ['SeriesInstanceUID', [uid('series', subject, session, name)]],
      ['SOPInstanceUID', [uid('instance', subject, session, name)]],
      ['SOPClassUID', ['']],
      ['Modality', [modality]],
    ]);
    return { attributes, transferSyntaxUid: '', labelsSeriesUid: undefined };
  }
}

function isNrrd(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'NRRD';
}
