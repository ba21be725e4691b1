/**
 * Everything that must be true of this repository, in one run: `npm run check`. The same at home and in CI.
 * `npm run check -- --tests NAME` runs only the tests whose path contains NAME.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromiumPaths } from './chromium.ts';

const root = resolve(import.meta.dirname, '..');
const filter = process.argv.indexOf('--tests') >= 0 ? process.argv.slice(process.argv.indexOf('--tests') + 1) : null;

/** What the tests talk to, besides npm packages, by Debian's names: found, or installed where that is possible. */
const peers = [
  { name: 'chromium', paths: chromiumPaths },
  { name: 'iproute2', paths: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip', '/bin/ip'] },
  { name: 'nftables', paths: ['/usr/sbin/nft', '/sbin/nft'] },
  { name: 'orthanc', paths: ['/usr/sbin/Orthanc'] },
  { name: 'orthanc-dicomweb', paths: ['/usr/share/orthanc/plugins/libOrthancDicomWeb.so'] },
  { name: 'dcmtk', paths: ['/usr/bin/storescu'] },
  { name: 'dicom3tools', paths: ['/usr/bin/dciodvfy'] },
  { name: 'prometheus', paths: ['/usr/bin/prometheus'] },
  { name: 'python3-venv', paths: ['/usr/share/doc/python3-venv'] },
];
/** Of MONAI Label's own client, which is a Python package: where its tests look for it. */
const monaiLabelHome = process.env['MONAI_LABEL_CLIENT'] ?? join(tmpdir(), 'consilium-monai-label');

/** Tests whose peer is missing skip, saying so, at home, and fail in CI. */
function providePeers(): void {
  const missing = peers.filter(({ paths }) => !paths.some(existsSync)).map(({ name }) => name);
  if (missing.length === 0) return;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.log(`Not found: ${missing.join(', ')}. The tests that need them are skipped.`);
    return;
  }
  console.log(`Installing ${missing.join(', ')} for the tests (once) ...`);
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** Only its client is needed, and what that imports; the package's servers and networks are not installed. */
function provideMonaiLabelClient(): void {
  const isThere = globSync(join(monaiLabelHome, 'lib/python3*/site-packages/monailabel/client/client.py')).length > 0;
  if (isThere || process.platform !== 'linux' || process.getuid?.() !== 0) return;
  console.log('Installing MONAI Label’s client for the tests (once) ...');
  const pip = [join(monaiLabelHome, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check'];
  const commands = [
    ['python3', '-m', 'venv', monaiLabelHome],
    // Python 3.13 has no cgi module any more.
    [...pip, 'requests', 'legacy-cgi; python_version >= "3.13"'],
    [...pip, '--no-deps', 'monailabel==0.8.5'],
  ];
  for (const [command, ...args] of commands) {
    if (spawnSync(command!, args, { stdio: 'inherit' }).status !== 0) return;
  }
}

function run(title: string, command: readonly string[]): boolean {
  const start = performance.now();
  console.log(`\n== ${title}`);
  const { status } = spawnSync(join(root, 'node_modules/.bin', command[0]!), command.slice(1), {
    cwd: root,
    stdio: 'inherit',
  });
  console.log(`== ${title}: ${status === 0 ? 'ok' : 'FAILED'} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return status === 0;
}

providePeers();
provideMonaiLabelClient();
const results = mkdtempSync(join(tmpdir(), 'consilium-check-'));
const report = join(results, 'vitest.json');
const steps: (() => boolean)[] = [];
if (filter === null) {
  steps.push(
    () => run('format and lint', ['biome', 'ci', '.']),
    () => run('types', ['tsc', '-b']),
    () => run('unused files, exports and dependencies', ['knip']),
  );
}
steps.push(() =>
  run('tests', [
    ...['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ...(filter ?? []),
  ]),
);
const outcomes = steps.map((step) => step());
if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
  console.log(`\n${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
}
rmSync(results, { recursive: true });
process.exit(outcomes.every(Boolean) ? 0 : 1);
