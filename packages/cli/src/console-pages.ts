/** The built pages: in a published package they are there; in the repository they are built when they are first wanted. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from './cli-error.ts';

interface Pages {
  /** The URL of its package.json. */
  readonly package: string;
  /** Folder with `vite.config.ts`, from the package's. */
  readonly folder: string;
  /** Where they are built, from the package's folder. */
  readonly built: string;
  /** One of those built. */
  readonly page: string;
  /** What they are built from, from `folder`. */
  readonly sources: readonly string[];
}

/** @returns their directory. @throws CliError `cli.pages-not-built` */
export function consolePages(): string {
  return builtPages({
    package: import.meta.resolve('@consilium/console/package.json'),
    ...{ folder: '.', built: 'dist', page: 'site.html' },
    sources: ['*.html', 'src/**/*'],
  });
}

/** The page of a crate that segments in a browser. @returns its directory. @throws CliError `cli.pages-not-built` */
export function examplePage(): string {
  return builtPages({
    package: import.meta.resolve('@consilium/publication/package.json'),
    ...{ folder: 'browser', built: 'dist/browser', page: 'index.html' },
    sources: ['*.html', '*.ts'],
  });
}

function builtPages(wanted: Pages): string {
  const root = dirname(fileURLToPath(wanted.package));
  const folder = join(root, wanted.folder);
  const pages = join(root, wanted.built);
  const page = join(pages, wanted.page);
  const config = join(folder, 'vite.config.ts');
  if (!existsSync(config)) {
    if (existsSync(page)) return pages;
    throw new CliError('cli.pages-not-built', 'The pages are not in this installation: install consilium again.');
  }
  const sources = [config, ...globSync(wanted.sources, { cwd: folder }).map((path) => join(folder, path))];
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(page) && statSync(page).mtimeMs >= newest) return pages;
  process.stderr.write('Building the pages (once) ...\n');
  const vite = fileURLToPath(new URL('bin/vite.js', import.meta.resolve('vite/package.json')));
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build', folder, '--logLevel', 'warn'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new CliError('cli.pages-not-built', `The pages could not be built:\n${stderr}`);
  return pages;
}
