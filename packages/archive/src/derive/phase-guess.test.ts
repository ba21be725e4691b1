import { describe, expect, it } from 'vitest';
import { phaseOfWords, phaseVerdict } from './phase-guess.ts';

describe('the phase of contrast enhancement', () => {
  it.each([
    ['Abdomen nativ 3.0', 'unenhanced'],
    ['CT ABD W/O CONTRAST', 'unenhanced'],
    ['Abd ohne KM', 'unenhanced'],
    ['NON-CON 5mm', 'unenhanced'],
    ['Late arterial 1.0 B30f', 'corticomedullary'],
    ['ART 1.5', 'corticomedullary'],
    ['corticomedullary', 'corticomedullary'],
    ['Abdomen portalvenös', 'nephrographic'],
    ['VEN 70s', 'nephrographic'],
    ['nephrographic 100 sec', 'nephrographic'],
    ['phase veineuse parenchymateuse', 'nephrographic'],
    ['Urographie 10 min', 'excretory'],
    ['Delayed', 'excretory'],
    ['fase tardiva', 'excretory'],
    ['Abdomen', undefined],
    ['heart start chart', undefined],
    ['Kidney 3.0 Br40', undefined],
    ['EXAM 7 kVp 100', undefined],
    ['', undefined],
  ])('of "%s" is guessed to be %s', (words, phase) => {
    expect(phaseOfWords(words)).toBe(phase);
  });

  it('is checked against the brightness of the kidneys', () => {
    expect(phaseVerdict(undefined, 35)).toEqual({ phase: 'unenhanced', source: 'labels', contradicts: false });
    expect(phaseVerdict('nephrographic', 160)).toEqual({
      phase: 'nephrographic',
      source: 'description',
      contradicts: false,
    });
    expect(phaseVerdict('nephrographic', 35)).toMatchObject({ contradicts: true });
    expect(phaseVerdict('unenhanced', 160)).toMatchObject({ phase: undefined, contradicts: true });
    expect(phaseVerdict(undefined, 160)).toEqual({ phase: undefined, source: undefined, contradicts: false });
    expect(phaseVerdict('excretory', undefined)).toMatchObject({ phase: 'excretory', source: 'description' });
  });
});
