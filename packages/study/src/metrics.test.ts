import { createRandom } from '@consilium/numerics';
import { describe, expect, it } from 'vitest';
import { metricsCsv, metricsJson } from './metrics.ts';
import { inventedRecord } from './record.fixture.ts';
import { parseRecord } from './record.ts';

const record = parseRecord(inventedRecord({ sites: 2, testCases: 2 }));

describe('the metrics', () => {
  it('hold one row a score, whatever their order in the record', () => {
    const shuffled = { ...record, scores: createRandom(1).shuffle(record.scores) };
    expect(metricsCsv(shuffled)).toBe(metricsCsv(record));
    expect(metricsJson(shuffled)).toBe(metricsJson(record));
    expect(metricsCsv(record).trimEnd().split('\r\n')).toHaveLength(record.scores.length + 1);
    expect(JSON.parse(metricsJson(record)).scores).toHaveLength(record.scores.length);
  });

  it('write infinite distances, missing values and awkward names so that they can be read back', () => {
    const row = { ...record.scores[0]!, case: 'a "b", c', dice: 0, hd95Mm: null, lesionSensitivity: null };
    const none = { ...row, case: 'd', dice: null, nsd: null };
    const odd = { ...record, scores: [row, none] };
    const [, first, second] = metricsCsv(odd).split('\r\n');
    expect(first).toContain('"a ""b"", c"');
    expect(first!.split(',').slice(-9, -1)[2]).toBe('inf');
    expect(first!.split(',').slice(-3, -1)).toEqual([String(row.brier), String(row.ece)]);
    expect(second!.split(',').slice(7, 10)).toEqual(['', '', '']);
    const json = JSON.parse(metricsJson(odd));
    expect(json.scores.map((score: { hd95Mm: unknown }) => score.hd95Mm)).toEqual(['inf', null]);
  });

  it('are labelled synthetic in every row', () => {
    const [, ...rows] = metricsCsv(record).trimEnd().split('\r\n');
    expect(rows.every((row) => row.endsWith(',true'))).toBe(true);
    expect(JSON.parse(metricsJson(record)).synthetic).toBe(true);
  });
});
