import { describe, expect, it } from 'vitest';
import { inventedRecord } from './record.fixture.ts';
import { parseRecord, type RehearsalRecordInput } from './record.ts';
import { StudyError } from './study-error.ts';

const invented = inventedRecord({ sites: 2, testCases: 2 });

function codeOf(change: (record: RehearsalRecordInput) => unknown): string {
  try {
    parseRecord(change(structuredClone(invented)));
  } catch (error) {
    if (error instanceof StudyError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the record of a rehearsal', () => {
  it('survives JSON: what was parsed parses to itself', () => {
    const parsed = parseRecord(invented);
    expect(parseRecord(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  it('takes an infinite distance and not-a-number for no value', () => {
    const record = structuredClone(invented);
    record.scores[0]!.hd95Mm = Number.POSITIVE_INFINITY;
    record.scores[0]!.nsd = Number.NaN;
    const [row] = parseRecord(record).scores;
    expect([row!.hd95Mm, row!.nsd]).toEqual([null, null]);
  });

  it('is refused as malformed where a field is missing or wrong', () => {
    expect(codeOf(({ seed: _seed, ...record }) => record)).toBe('study.record-malformed');
    expect(codeOf((record) => ({ ...record, sites: [] }))).toBe('study.record-malformed');
    expect(codeOf((record) => ({ ...record, startedAt: 'yesterday' }))).toBe('study.record-malformed');
    expect(
      codeOf(({ scores: [row, ...rows], ...record }) => ({ ...record, scores: [{ ...row, dice: 1.2 }, ...rows] })),
    ).toBe('study.record-malformed');
    expect(codeOf(() => null)).toBe('study.record-malformed');
  });

  it('is refused as inconsistent where ids do not fit together', () => {
    const scored = (change: object) => (record: RehearsalRecordInput) => ({
      ...record,
      scores: [{ ...record.scores[0]!, ...change }],
    });
    expect(codeOf(scored({ model: 'nobody' }))).toBe('study.record-inconsistent');
    expect(codeOf(scored({ siteId: 'nowhere' }))).toBe('study.record-inconsistent');
    expect(codeOf(scored({ region: 'liver' }))).toBe('study.record-inconsistent');
    const reliable = (change: object) => (record: RehearsalRecordInput) => ({
      ...record,
      reliability: [{ ...record.reliability![0]!, ...change }],
    });
    expect(codeOf(reliable({ model: 'nobody' }))).toBe('study.record-inconsistent');
    expect(codeOf(reliable({ siteId: 'nowhere' }))).toBe('study.record-inconsistent');
    expect(codeOf((record) => ({ ...record, scores: [...record.scores, record.scores[0]] }))).toBe(
      'study.record-inconsistent',
    );
    expect(codeOf((record) => ({ ...record, jobs: [...record.jobs, record.jobs[0]] }))).toBe(
      'study.record-inconsistent',
    );
    expect(codeOf((record) => ({ ...record, jobs: [...record.jobs, { ...record.jobs[0], id: 'x' }] }))).toBe(
      'study.record-inconsistent',
    );
    expect(codeOf((record) => ({ ...record, jobs: [{ ...record.jobs[1], siteId: undefined }] }))).toBe(
      'study.record-inconsistent',
    );
  });
});
