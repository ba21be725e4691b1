/**
 * Several readers of a case: how they agree, and what follows from it. Once all have handed in, they are compared; where
 * they agree well enough their consensus goes to review, else an adjudicator draws on it.
 */

import { voxelCount } from '@consilium/imaging';
import { disagreementMap } from '../agreement/consensus.ts';
import { type MeanInterval, meanIntervalOf } from '../agreement/mean-interval.ts';
import type { StructureAgreement } from '../agreement/pair-agreement.ts';
import { type Settlement, type SettlementOptions, settlementOf } from '../agreement/settlement.ts';
import { type Asker, house } from '../asker.ts';
import { encodeRuns } from '../label/run-length.ts';
import type { LabelSource } from '../models/model-tasks.ts';
import { ReadingError } from '../reading-error.ts';
import { rowsFor } from '../store/rows-for.ts';
import { caseIsOpen } from '../store/sight.ts';
import { TaskState } from '../workflow/task-state.ts';
import { insertTask } from './projects.ts';
import { eventOf } from './readings.ts';
import { caseById, changeAndTell, openCase, protocolOf, type ReadingCase, type RoomParts } from './room-parts.ts';
import { stepOf, type Task, type TaskBook } from './task-book.ts';

export interface PairAgreement {
  readonly caseId: string;
  readonly one: string;
  readonly other: string;
  readonly structures: readonly StructureAgreement[];
}

/** Over the pairs of a project's cases: of each case the mean of its pairs. */
export interface AgreementSummary {
  readonly structure: number;
  readonly dice: MeanInterval | undefined;
  readonly surfaceDice: MeanInterval | undefined;
  /** Of cases in which both readers drew something, in all pairs. */
  readonly hausdorff95Mm: MeanInterval | undefined;
  /** Difference of two readers' volumes as a share of their mean. */
  readonly volumeDifference: MeanInterval | undefined;
}

const handedIn: readonly TaskState[] = [TaskState.submitted, TaskState.inReview, TaskState.approved];

/** What takes long for large images, done where it holds nobody up. */
export interface Elsewhere {
  readonly settle: (readers: readonly LabelSource[], options: SettlementOptions) => Promise<Settlement>;
  /** Runs. */
  readonly dispute: (readers: readonly LabelSource[], geometry: ReadingCase['geometry']) => Promise<Uint8Array>;
}

/** Voxels of all readers that are compared in less time than it takes to have them compared elsewhere. */
const voxelsHereMax = 2 ** 22;

export class Agreements {
  readonly #parts: RoomParts;
  readonly #book: TaskBook;
  readonly #elsewhere: Elsewhere;

  constructor(parts: RoomParts, book: TaskBook, elsewhere: Elsewhere) {
    this.#parts = parts;
    this.#book = book;
    this.#elsewhere = elsewhere;
  }

  /** @throws ReadingError `reading.case-unknown` */
  async ofCase(asker: Asker, name: { project: string; caseId: string }): Promise<readonly PairAgreement[]> {
    await openCase(this.#parts, asker, name);
    return this.#pairs(asker, name.project, name.caseId);
  }

  /** How a project's readers agree, structure by structure, over the cases that the asker may see. */
  summary(asker: Asker, project: string): readonly AgreementSummary[] {
    const byCase = Map.groupBy(this.#pairs(asker, project, undefined), ({ caseId }) => caseId);
    const numbers = new Set(
      [...byCase.values()].flat().flatMap(({ structures }) => structures.map((one) => one.structure)),
    );
    return [...numbers]
      .sort((a, b) => a - b)
      .map((structure): AgreementSummary => {
        const over = (value: (one: StructureAgreement) => number | undefined) =>
          meanIntervalOf(
            [...byCase.values()].flatMap((pairs) => {
              const found = pairs.flatMap(({ structures }) => structures.filter((one) => one.structure === structure));
              const values = found.map(value);
              if (values.length === 0 || values.some((one) => one === undefined)) return [];
              return [values.reduce((sum: number, one) => sum + one!, 0) / values.length];
            }),
          );
        return {
          structure,
          dice: over(({ dice }) => dice),
          surfaceDice: over(({ surfaceDice }) => surfaceDice),
          hausdorff95Mm: over(({ hausdorff95Mm }) => hausdorff95Mm),
          volumeDifference: over(({ volumesMl: [a, b] }) =>
            a + b === 0 ? undefined : (2 * Math.abs(a - b)) / (a + b),
          ),
        };
      });
  }

  /** Runs of a map of where the readers of a case disagree, 0 to 255. @throws ReadingError `reading.case-unknown`, `reading.readers-missing` */
  async disagreement(asker: Asker, name: { project: string; caseId: string }): Promise<Uint8Array> {
    const { geometry } = await openCase(this.#parts, asker, name);
    const tasks = this.#readOf(name.caseId);
    if (tasks.length < 2) throw tooFew();
    if (isLarge(tasks, geometry)) return this.#elsewhere.dispute(this.#sourcesOf(tasks), geometry);
    return encodeRuns(disagreementMap(await this.#layersOf(tasks, geometry)));
  }

  /** Cases whose readers have all handed in and have not been compared yet. */
  due(): readonly string[] {
    return this.#parts.database
      .prepare(
        `SELECT case_id FROM task WHERE blinded_group IS NOT NULL AND role = 'read' GROUP BY case_id
         HAVING min(state IN ('submitted', 'in-review', 'approved')) = 1 AND count(*) > 1
           AND NOT EXISTS (SELECT 1 FROM task AS other WHERE other.case_id = task.case_id AND other.role = 'adjudicate')`,
      )
      .all()
      .map(({ case_id }) => String(case_id));
  }

  /** Compares the readers of a case, makes their consensus, and a task of it. */
  async settle(caseId: string): Promise<void> {
    const tasks = this.#readOf(caseId);
    const first = tasks[0]!;
    const { geometry } = caseById(this.#parts, caseId);
    const protocol = protocolOf(this.#parts, first.project, first.protocolVersion);
    const { consensus: method, toleranceMm } = protocol.agreement;
    const options = { geometry, structures: protocol.structures, toleranceMm, method };
    const settlement = isLarge(tasks, geometry)
      ? await this.#elsewhere.settle(this.#sourcesOf(tasks), options)
      : settlementOf(await this.#layersOf(tasks, geometry), options);
    const { pairs } = settlement;
    const consensus = await this.#consensus(first, { tasks, settlement, method });
    const lowest = Math.min(...pairs.flatMap(({ structures }) => structures.map(({ dice }) => dice)));
    const agrees = lowest >= protocol.agreement.diceMin;
    const { clock, database, versions } = this.#parts;
    await changeAndTell(this.#parts, () => {
      // Handed in once more meanwhile: the next turn compares what there is then.
      const stale = tasks.some(({ headVersion, id }) => this.#book.known(id).headVersion !== headVersion);
      if (stale || !this.due().includes(caseId)) return { value: undefined, event: undefined };
      versions.insert(consensus, clock.nowMs());
      for (const { one, other, structures } of pairs) {
        database
          .prepare('INSERT INTO agreement VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
          .run(
            ...[caseId, tasks[one]!.headVersion!, tasks[other]!.headVersion!],
            ...[JSON.stringify(structures), clock.nowMs()],
          );
      }
      const id = insertTask(this.#parts, {
        ...{ caseId, protocolVersion: first.protocolVersion, role: 'adjudicate', group: null, reader: undefined },
        ...{ priority: Math.max(...tasks.map(({ priority }) => priority)), dueMs: first.dueMs, base: consensus.id },
      });
      const task = this.#book.known(id);
      if (agrees) {
        database
          .prepare('UPDATE task SET state = ?, head_version = ? WHERE id = ?')
          .run(stepOf(task, 'submit', 'house'), consensus.id, id);
      }
      return {
        value: undefined,
        event: eventOf(house, task, agrees ? 'readers-agree' : 'readers-disagree', { lowest }),
      };
    });
  }

  #consensus(
    { caseId, project, protocolVersion, seriesInstanceUid }: Task,
    read: { tasks: readonly Task[]; settlement: Settlement; method: SettlementOptions['method'] },
  ) {
    const { layers, performance } = read.settlement;
    return this.#parts.versions.prepareRuns(
      {
        ...{ project, seriesInstanceUid, caseId, taskId: undefined, protocolVersion, kind: 'consensus', form: {} },
        parents: read.tasks.map(({ headVersion }) => headVersion!),
        ...{ person: house.person, role: 'house', provenance: { consensus: { method: read.method, performance } } },
      },
      layers,
    );
  }

  #readOf(caseId: string): readonly Task[] {
    return this.#book
      .ofCase(caseId)
      .filter(
        ({ headVersion, role, state }) => role === 'read' && headVersion !== undefined && handedIn.includes(state),
      );
  }

  #sourcesOf(tasks: readonly Task[]): readonly LabelSource[] {
    const { versions } = this.#parts;
    return tasks.map(({ headVersion }) => ({ directory: versions.path, layers: versions.get(headVersion!).layers }));
  }

  #layersOf(tasks: readonly Task[], geometry: ReadingCase['geometry']): Promise<readonly (readonly Uint8Array[])[]> {
    const { versions } = this.#parts;
    return Promise.all(tasks.map(({ headVersion }) => versions.layers(versions.get(headVersion!), geometry)));
  }

  #pairs(asker: Asker, project: string, caseId: string | undefined): readonly PairAgreement[] {
    const sql = `SELECT agreement.* FROM agreement JOIN reading_case ON reading_case.id = agreement.case_id
      WHERE project = :project AND case_id = ifnull(:case, case_id) AND ${caseIsOpen('agreement.case_id')}
      ORDER BY case_id, one_version, other_version`;
    return rowsFor(this.#parts, sql, asker, { ':project': project, ':case': caseId ?? null }).map((row) => ({
      caseId: String(row['case_id']),
      one: String(row['one_version']),
      other: String(row['other_version']),
      structures: JSON.parse(String(row['structures'])) as StructureAgreement[],
    }));
  }
}

function isLarge(tasks: readonly Task[], geometry: ReadingCase['geometry']): boolean {
  return voxelCount(geometry) * tasks.length > voxelsHereMax;
}

function tooFew(): ReadingError {
  return new ReadingError('reading.readers-missing', 'Fewer than two readers have handed the case in.');
}
