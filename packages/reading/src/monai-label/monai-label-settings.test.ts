/** What settings are refused. */
import { expect, it } from 'vitest';
import { monaiLabelSettingsOf } from './monai-label-settings.ts';

const here = { host: '127.0.0.1', behindProxy: false };

it('offers the interface without logging in on this machine only', () => {
  const off = { project: 'renal', auth: 'off' };
  expect(monaiLabelSettingsOf(off, here)).toMatchObject({
    auth: 'off',
    prefix: '/monailabel',
    roles: ['lead', 'reader'],
  });
  for (const web of [
    { ...here, host: '0.0.0.0' },
    { ...here, host: 'archive.example' },
    { ...here, behindProxy: true },
  ]) {
    expect(() => monaiLabelSettingsOf(off, web)).toThrow(expect.objectContaining({ code: 'reading.settings-wrong' }));
  }
  expect(monaiLabelSettingsOf({ project: 'renal' }, { ...here, host: '0.0.0.0' }).auth).toBe('token');
});

it('names the field that is wrong', () => {
  for (const [settings, field] of [
    [{}, 'project'],
    [{ project: 'renal', prefix: 'x' }, 'prefix'],
    [{ project: 'renal', corsOrigins: ['*'] }, 'corsOrigins'],
  ] as const) {
    expect(() => monaiLabelSettingsOf(settings, here)).toThrow(`monaiLabel.${field}`);
  }
});
