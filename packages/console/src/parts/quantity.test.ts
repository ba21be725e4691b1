import { describe, expect, it } from 'vitest';
import { bytesText, countOf, dicomDateText, keywordText, measureText } from './quantity.ts';
import { serviceErrorOf } from './service-error.ts';

describe('a number', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1536, '1.5 kB'],
    [999_600, '1 MB'],
    [79_400_000_000, '79 GB'],
    [123_000_000_000, '123 GB'],
  ])('of %d bytes reads %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

  it('has its unit, and no more digits than are worth reading', () => {
    expect([measureText(0.7031, 'mm'), measureText(31.66, 'ml'), measureText(243.4, 'ml')]).toEqual([
      '0.7 mm',
      '31.7 ml',
      '243 ml',
    ]);
    expect([countOf(1, 'study', 'studies'), countOf(1200, 'study', 'studies')]).toEqual(['1 study', '1,200 studies']);
  });
});

describe('a name', () => {
  it('of an attribute reads as words, and a date as a date', () => {
    expect([keywordText('SOPInstanceUID'), keywordText('PatientBirthDate'), keywordText('KVP')]).toEqual([
      'SOP Instance UID',
      'Patient Birth Date',
      'KVP',
    ]);
    expect([dicomDateText('20260301'), dicomDateText('2026'), dicomDateText(undefined)]).toEqual([
      '2026-03-01',
      '2026',
      undefined,
    ]);
  });
});

describe('an answer that says no', () => {
  it('gives its code, or one of ours if it is from something else than the service', () => {
    expect(serviceErrorOf(400, { code: 'archive.query-invalid', message: 'Here.', position: 3 })).toMatchObject({
      ...{ code: 'archive.query-invalid', message: 'Here.', position: 3, status: 400 },
    });
    expect(serviceErrorOf(502, undefined).code).toBe('console.answer-unknown');
  });
});
