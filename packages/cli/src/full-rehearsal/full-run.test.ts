import { describe, expect, it } from 'vitest';
import { parseSettings } from '../rehearsal-settings.ts';
import { fullSettings } from './full-run.ts';

describe('the settings of a full rehearsal', () => {
  it('are fifty studies of each hospital, as DICOM, unless somebody says otherwise', () => {
    expect(parseSettings(fullSettings({ full: true }))).toMatchObject({ full: true, studies: 50, format: 'dicom' });
    expect(parseSettings(fullSettings({ full: true, studies: '8', format: 'dicom' })).studies).toBe(8);
  });

  it('are none of other rehearsals, and no fewer studies than can be divided', () => {
    for (const stray of [{ format: 'nifti' }, { data: 'sites' }, { private: true }, { epsilon: '1' }]) {
      expect(() => fullSettings({ full: true, ...stray })).toThrow(expect.objectContaining({ code: 'cli.bad-option' }));
    }
    expect(() => fullSettings({ full: true, studies: '4' })).toThrow(/--studies/);
  });
});
