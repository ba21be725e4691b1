/** What is known of a project's cases, put to the rule by which the project offers them. */
import { protocolSchema } from '../contract/protocol-schema.ts';
import type { RoomParts } from '../room/room-parts.ts';
import { orderOf } from './case-order.ts';

/** @returns those cases, in the order of the newest protocol. */
export function readingOrder(
  { database }: Pick<RoomParts, 'database'>,
  project: string,
  cases: readonly string[],
): readonly string[] {
  const newest = database
    .prepare('SELECT content FROM protocol WHERE project = ? ORDER BY version DESC LIMIT 1')
    .get(project)!;
  const { next } = protocolSchema.parse(JSON.parse(String(newest['content']))).models;
  const rows = database
    .prepare(
      `SELECT reading_case.id, reading_case.created_ms, uncertainty, disagreement, descriptors,
         EXISTS (SELECT 1 FROM task WHERE case_id = reading_case.id AND state <> 'proposed') AS is_seen
       FROM reading_case LEFT JOIN proposal ON proposal.rowid =
         (SELECT max(rowid) FROM proposal AS last WHERE last.case_id = reading_case.id)
       WHERE project = ?`,
    )
    .all(project);
  const parsed = <T>(value: unknown): T | undefined => (value === null ? undefined : (JSON.parse(String(value)) as T));
  const known = rows.map((row) => ({
    caseId: String(row['id']),
    createdMs: Number(row['created_ms']),
    uncertainty: parsed<{ case: number }>(row['uncertainty'])?.case,
    disagreement: row['disagreement'] === null ? undefined : Number(row['disagreement']),
    descriptors: parsed<readonly number[]>(row['descriptors']),
    isSeen: row['is_seen'] === 1,
  }));
  const wanted = new Set(cases);
  // By protocols of other structures there are descriptors of another length, which cannot be compared.
  const length = known.findLast(({ descriptors }) => descriptors !== undefined)?.descriptors?.length;
  const fitting = known.map((one) => (one.descriptors?.length === length ? one : { ...one, descriptors: undefined }));
  const seen = fitting.flatMap(({ descriptors, isSeen }) => (isSeen && descriptors ? [descriptors] : []));
  const open = fitting.filter(({ caseId }) => wanted.has(caseId));
  return orderOf(next, open, { seen, seed: project }).map(({ caseId }) => caseId);
}
