/** What we are built of: fixed to versions and contents, under licences that allow it, and listed for whoever asks. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}
const locked = Object.entries(read('package-lock.json').packages as Record<string, Locked>).filter(
  ([path, { link }]) => path.includes('node_modules/') && link !== true,
);
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

describe('dependencies', () => {
  it('are fixed to a version and to the SHA-512 of what it holds, and come from the registry', () => {
    expect(locked.length).toBeGreaterThan(200);
    const loose = locked.filter(
      ([, { integrity = '', resolved, version = '' }]) =>
        !/^\d+\.\d+\.\d+/.test(version) ||
        !integrity.startsWith('sha512-') ||
        !(resolved ?? 'https://registry.npmjs.org/').startsWith('https://registry.npmjs.org/'),
    );
    expect(loose.map(([path]) => path)).toEqual([]);
    const ranges = globSync('packages/*/package.json', { cwd: root }).flatMap((path) => {
      const { dependencies = {}, devDependencies = {} } = read(path);
      return Object.entries({ ...dependencies, ...devDependencies } as Record<string, string>)
        .filter(([, range]) => !/^[\^~]?\d+\.\d+\.\d+/.test(range))
        .map(([name, range]) => `${path}: ${name} ${range}`);
    });
    expect(ranges).toEqual([]);
  });

  it('have licences that ask for no more than to be named', () => {
    const permissive = /^(MIT|Apache-2\.0|ISC|BSD-[23]-Clause|0BSD|BlueOak-1\.0\.0|Unlicense)$/;
    const isFine = (license = '') =>
      license
        .replace(/[()]/g, '')
        .split(/ AND /)
        .every((part) => part.split(/ OR /).some((one) => permissive.test(one)));
    const others = locked.filter(([, { dev, license }]) => dev !== true && !isFine(license));
    expect(others.map(([path, { license }]) => `${nameOf(path)} ${license}`)).toEqual([]);
  });

  it('run no code of their own when they are installed, but for those that we know', () => {
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect([...new Set(scripted.map(([path]) => nameOf(path)))].sort()).toEqual([
      // core-js-pure, which Cornerstone brings, asks for donations.
      ...['@bufbuild/buf', 'core-js-pure', 'node', 'onnxruntime-node', 'protobufjs'],
    ]);
  });

  it('are listed as CycloneDX by npm run sbom, with their digests', () => {
    const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: root, encoding: 'utf8' });
    const { bomFormat, components } = JSON.parse(text) as {
      bomFormat: string;
      components: { name: string; version: string; hashes?: unknown[] }[];
    };
    expect(bomFormat).toBe('CycloneDX');
    const listed = new Set(
      components.filter(({ hashes = [] }) => hashes.length > 0).map((one) => `${one.name}@${one.version}`),
    );
    // Not with --omit dev: npm 11 then leaves out what is needed both to run and to build, zod for one.
    const missing = locked
      .filter(([, entry]) => !('optional' in entry) && !('peer' in entry))
      .map(([path, { version }]) => `${nameOf(path)}@${version}`)
      .filter((one) => !listed.has(one));
    expect(missing).toEqual([]);
    expect(listed.size).toBeGreaterThan(100);
  });
});
