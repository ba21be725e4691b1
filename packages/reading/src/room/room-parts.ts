/** What all of the reading room's work shares. */
import type { DatabaseSync } from 'node:sqlite';
import type { Archive, ArchiveClock, CommitGroup } from '@consilium/archive';
import type { Geometry } from '@consilium/imaging';
import type { Asker } from '../asker.ts';
import { type Protocol, protocolSchema } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import type { SeriesVolumes } from '../series/series-volumes.ts';
import type { EventChain, ReadingEvent } from '../store/event-chain.ts';
import { rowsFor } from '../store/rows-for.ts';
import { caseIsOpen } from '../store/sight.ts';
import type { VersionStore } from '../store/version-store.ts';
import type { Recorder } from './room-act.ts';

export interface RoomParts {
  readonly archive: Archive;
  readonly database: DatabaseSync;
  readonly commits: CommitGroup;
  readonly versions: VersionStore;
  readonly volumes: SeriesVolumes;
  readonly chain: EventChain;
  readonly clock: ArchiveClock;
  /** Tells those who listen, once it is durable. */
  readonly tell: (event: ReadingEvent) => void;
  /** For the audit log. */
  readonly record: Recorder;
  /** Keys what stands for persons outside. */
  readonly secret: Uint8Array;
}

export interface ReadingCase {
  readonly id: string;
  readonly project: string;
  readonly seriesInstanceUid: string;
  readonly geometry: Geometry;
}

type Row = Record<string, unknown>;

/** Changes and says so, in one transaction; told to those who listen when it is durable. */
export async function changeAndTell<T>(
  { commits, chain, clock, tell }: Pick<RoomParts, 'commits' | 'chain' | 'clock' | 'tell'>,
  change: () => { readonly value: T; readonly event: Omit<ReadingEvent, 'seq' | 'atMs'> | undefined },
): Promise<T> {
  const { value, told } = await commits.run(() => {
    const { event, value: made } = change();
    return { value: made, told: event && chain.add({ ...event, atMs: clock.nowMs() }) };
  });
  if (told !== undefined) tell(told);
  return value;
}

/** @throws ReadingError `reading.protocol-unknown` */
export function protocolOf({ database }: Pick<RoomParts, 'database'>, project: string, version: number): Protocol {
  const row = database.prepare('SELECT content FROM protocol WHERE project = ? AND version = ?').get(project, version);
  if (row === undefined) {
    throw new ReadingError('reading.protocol-unknown', 'The project has no such version of its protocol.');
  }
  return protocolSchema.parse(JSON.parse(String(row['content'])));
}

function caseOf(row: Row): ReadingCase {
  return {
    id: String(row['id']),
    project: String(row['project']),
    seriesInstanceUid: String(row['SeriesInstanceUID']),
    geometry: JSON.parse(String(row['geometry'])) as Geometry,
  };
}

/** Whatever its project; for the reading room's own work. */
export function caseById({ database }: Pick<RoomParts, 'database'>, id: string): ReadingCase {
  return caseOf(database.prepare('SELECT * FROM reading_case WHERE id = ?').get(id)!);
}

/** A case all of whose labels the asker may see; that is written down. @throws ReadingError `reading.case-unknown` */
export async function openCase(
  parts: RoomParts,
  asker: Asker,
  { project, caseId }: { project: string; caseId: string },
): Promise<ReadingCase> {
  const sql = `SELECT * FROM reading_case WHERE id = :case AND project = :project AND ${caseIsOpen('reading_case.id')}`;
  const row = rowsFor(parts, sql, asker, { ':case': caseId, ':project': project })[0];
  if (row === undefined) throw unknownCase();
  await noteSight(parts, asker, caseId);
  return caseOf(row);
}

/** From now on the person cannot read the case blinded. */
export async function noteSight({ commits, database }: RoomParts, { person }: Asker, caseId: string): Promise<void> {
  const known = database.prepare('SELECT 1 FROM sight WHERE case_id = ? AND person = ?').get(caseId, person);
  if (known !== undefined) return;
  await commits.run(() => database.prepare('INSERT OR IGNORE INTO sight VALUES (?, ?)').run(caseId, person));
}

export function unknownCase(): ReadingError {
  return new ReadingError('reading.case-unknown', 'The project has no such case, or not for you.');
}
