/**
 * Forgetting the cases of series that were erased from the archive: labels, strokes, reviews, all of it. What remains is the
 * chain of events, which names neither series nor patient.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { CommitGroup } from '@consilium/archive';
import { modelRemovals } from '../models/model-tables.ts';
import type { VersionContent, VersionStore } from './version-store.ts';

const ofCase = 'case_id = ?1';
const ofTask = 'task_id IN (SELECT id FROM task WHERE case_id = ?1)';
const ofVersion = 'version_id IN (SELECT id FROM version WHERE case_id = ?1)';
const removals = [
  ...modelRemovals,
  `handover WHERE ${ofVersion}`,
  `approval WHERE ${ofVersion}`,
  `review WHERE ${ofTask}`,
  `agreement WHERE ${ofCase}`,
  `stroke WHERE draft_id IN (SELECT id FROM draft WHERE ${ofTask})`,
  `draft WHERE ${ofTask}`,
  `skip WHERE ${ofTask}`,
  `sight WHERE ${ofCase}`,
  `version WHERE ${ofCase}`,
  `task WHERE ${ofCase}`,
  'reading_case WHERE id = ?1',
];

/** May be done again from any point: what a crash leaves of files is swept at the next opening. */
export async function forgetCases(
  { commits, database, versions }: { database: DatabaseSync; commits: CommitGroup; versions: VersionStore },
  seriesInstanceUids: readonly string[],
): Promise<void> {
  const layers = new Set<string>();
  await commits.run(() => {
    database.exec('PRAGMA defer_foreign_keys = ON');
    const cases = seriesInstanceUids.flatMap((uid) =>
      database.prepare('SELECT id FROM reading_case WHERE SeriesInstanceUID = ?').all(uid),
    );
    for (const { id } of cases) {
      for (const { content } of database.prepare('SELECT content FROM version WHERE case_id = ?').all(id!)) {
        for (const sha256 of (JSON.parse(String(content)) as VersionContent).layers) layers.add(sha256);
      }
      for (const { heat } of database.prepare('SELECT heat FROM proposal WHERE case_id = ?').all(id!)) {
        layers.add(String(heat));
      }
      database.prepare('INSERT INTO forgetting VALUES (?)').run(id!);
      for (const removal of removals) database.prepare(`DELETE FROM ${removal}`).run(id!);
      database.exec('DELETE FROM forgetting');
    }
  });
  if (layers.size === 0) return;
  await versions.removeUnused(layers);
  // What was removed is overwritten in the log, too.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}
