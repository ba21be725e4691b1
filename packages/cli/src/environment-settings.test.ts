import { describe, expect, it } from 'vitest';
import { archivePorts, coordinatorOverrides, siteEnvironmentHelp, siteOverrides } from './environment-settings.ts';

describe('environment variables', () => {
  it('override only what they name', () => {
    expect(coordinatorOverrides({})).toEqual({});
    expect(
      coordinatorOverrides({ CONSILIUM_PORT: '8443', CONSILIUM_HOST: '::1', CONSILIUM_PUBLIC_PORT: '443' }),
    ).toEqual({
      listen: { host: '::1', port: 8443 },
      publicPort: 443,
    });
    expect(siteOverrides({ CONSILIUM_THREADS: '4', CONSILIUM_PROXY: 'http://p:3128', OTHER: 'x' })).toEqual({
      threads: 4,
      proxy: 'http://p:3128',
    });
  });

  it('that are empty count as not set', () => {
    expect(siteOverrides({ CONSILIUM_PROXY: '' })).toEqual({});
  });

  it('give the key of an archive, and say where it is none', () => {
    expect(archivePorts({})).toEqual({});
    expect(archivePorts({ CONSILIUM_ARCHIVE_KEY: 'ff'.repeat(32) })).toEqual({
      identityKey: new Uint8Array(32).fill(255),
    });
    expect(() => archivePorts({ CONSILIUM_ARCHIVE_KEY: 'secret' })).toThrow(
      expect.objectContaining({ code: 'archive.key-malformed' }),
    );
  });

  it('are listed in the help', () => {
    expect(siteEnvironmentHelp).toMatch(/CONSILIUM_DATA +data/);
  });
});
