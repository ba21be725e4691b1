/** The built pages: in a published package they are there; in the repository they are built when they are first wanted. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from './cli-error.ts';

/** @returns their directory. @throws CliError `cli.pages-not-built` */
export function consolePages(): string {
  const root = dirname(fileURLToPath(import.meta.resolve('@consilium/console/package.json')));
  const pages = join(root, 'dist');
  const page = join(pages, 'site.html');
  const config = join(root, 'vite.config.ts');
  if (!existsSync(config)) {
    if (existsSync(page)) return pages;
    throw new CliError('cli.pages-not-built', 'The pages are not in this installation: install consilium again.');
  }
  const sources = [config, ...globSync(['*.html', 'src/**/*'], { cwd: root }).map((path) => join(root, path))];
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(page) && statSync(page).mtimeMs >= newest) return pages;
  process.stderr.write('Building the pages (once) ...\n');
  const vite = fileURLToPath(new URL('bin/vite.js', import.meta.resolve('vite/package.json')));
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build', root, '--logLevel', 'warn'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new CliError('cli.pages-not-built', `The pages could not be built:\n${stderr}`);
  return pages;
}
