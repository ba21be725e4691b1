/**
 * Makes a fresh clone runnable, then runs a TypeScript file of the repository: `node scripts/setup.mjs FILE [ARGS]`.
 * Works with any Node since 18, because it hands over to the Node that the repository pins (npm package `node`).
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.installed-lockfile');
const pinnedNode = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockfile) {
  process.stderr.write('Installing packages (once; about a minute) ...\n');
  // Not `npm ci`: it refuses a lockfile without the binaries for other platforms, which not every registry mirror carries.
  // This installs the versions of the lockfile all the same, and with --no-save leaves it as it is.
  const npm = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0) {
    fail('npm install failed: see its message above. Consilium needs the npm registry once, to install.');
  }
  writeFileSync(stamp, lockfile);
}
const version = existsSync(pinnedNode) ? spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' }).stdout.trim() : '';
const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  fail(
    `The repository runs from source on Node 22.18 or newer and pins one as the npm package "node", but found ${version || 'none'}. ` +
      'Its install script was probably blocked (--ignore-scripts): run "npm rebuild node --foreground-scripts" and try again.',
  );
}
const [file, ...rest] = process.argv.slice(2);
const child = spawn(
  pinnedNode,
  ['--conditions=consilium-source', '--no-maglev', '--disable-warning=ExperimentalWarning', join(root, file), ...rest],
  {
    stdio: 'inherit',
    cwd: process.env.INIT_CWD ?? process.cwd(),
    env: {
      // Sources without their types, and compiled: every process that is started after the first begins in half the time.
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node-compile'),
      ...process.env,
      PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`,
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 130 : code));
