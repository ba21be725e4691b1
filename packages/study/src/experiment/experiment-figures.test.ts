import { describe, expect, it } from 'vitest';
import { siteDifferences } from '../heterogeneity/site-differences.ts';
import { analyse } from './experiment-analysis.ts';
import { experimentFigures } from './experiment-figures.ts';
import { inventedExperiment } from './experiment-record.fixture.ts';

describe('the figures of an experiment', () => {
  it('are the same bytes for the same record, well formed, with the text that stands for them and their numbers', async () => {
    const record = inventedExperiment({ patients: 4 });
    const analysis = analyse(record);
    const differences = siteDifferences(record);
    const figures = await experimentFigures(analysis, differences);
    expect(figures).toEqual(await experimentFigures(analysis, differences));
    expect(figures.map(({ name }) => name)).toEqual([
      'sites-slice-spacing',
      'distances-slice-spacing',
      'sites-pixel-spacing',
      'distances-pixel-spacing',
      'sites-density',
      'distances-density',
      'learning-curve-1',
      'learning-curve-2',
      'reliability-kidney-and-masses',
      'reliability-masses',
      'reliability-tumour',
    ]);
    for (const { csv, svg } of figures) {
      expect(svg).toMatch(/^<svg [^>]*role="img"[^>]*><title>[^<]+<\/title>/);
      expect(svg.match(/<g[ >]/g)!.length).toBe(svg.match(/<\/g>/g)!.length);
      expect(svg).not.toContain('NaN');
      expect(csv.split('\r\n').length).toBeGreaterThan(3);
    }
    const curve = figures.find(({ name }) => name === 'learning-curve-1')!;
    expect(curve.svg).toContain('extrapolated');
    expect(curve.svg).toContain('stroke-dasharray');
    expect(curve.csv).toMatch(/\r\nmeasured,4,0\.\d+,,\r\n/);
    expect(curve.csv).toMatch(/\r\nextrapolated,/);
    const reliability = figures.find(({ name }) => name === 'reliability-tumour')!;
    expect(reliability.svg).toMatch(/network unet[^<]*: where it says tumour with 81\u00a0%, it is right in 54\u00a0%/);
    expect(reliability.csv.split('\r\n')).toHaveLength(1 + 10 * analysis.configurations.length + 1);
  });
});
