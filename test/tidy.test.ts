/** The rules of ARCHITECTURE.md and CONTRIBUTING.md that a machine can hold. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Which of our packages each package may import: the table of ARCHITECTURE.md as data. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  numerics: [],
  audit: [],
  people: ['audit'],
  protocol: ['numerics'],
  engine: ['numerics'],
  imaging: ['numerics'],
  archive: ['numerics', 'imaging', 'audit', 'people'],
  phantom: ['numerics', 'imaging'],
  reading: ['numerics', 'imaging', 'archive', 'engine', 'training', 'audit'],
  training: ['numerics', 'engine', 'imaging'],
  federation: ['numerics', 'protocol'],
  transport: ['numerics', 'protocol', 'federation'],
  coordinator: ['numerics', 'protocol', 'federation', 'transport', 'audit', 'people'],
  site: ['numerics', 'protocol', 'federation', 'transport', 'imaging', 'archive', 'engine', 'training', 'audit'],
  study: ['numerics', 'protocol'],
  publication: ['numerics', 'protocol', 'imaging', 'engine', 'training', 'study', 'audit'],
  console: [
    ...['numerics', 'protocol', 'people', 'imaging', 'archive', 'reading', 'engine', 'training'],
    ...['coordinator', 'study'],
  ],
  cli: [
    'numerics',
    'audit',
    'people',
    'protocol',
    'federation',
    'transport',
    'imaging',
    'archive',
    'phantom',
    'engine',
    'training',
    'reading',
    'coordinator',
    'site',
    'study',
    'publication',
  ],
};

interface SourceFile {
  readonly path: string;
  readonly package: string;
  readonly text: string;
  readonly imports: readonly string[];
  readonly isTest: boolean;
}

const sources: readonly SourceFile[] = globSync('packages/*/{src,test}/**/*.{ts,tsx}', { cwd: root })
  .filter((path) => !path.includes('/generated/') && !path.endsWith('.d.ts'))
  .sort()
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return {
      path,
      package: path.split('/')[1]!,
      text,
      imports: ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName),
      isTest: /\.(test|conformance|fixture|browser)\.tsx?$/.test(path) || path.split('/')[2] === 'test',
    };
  });
const production = sources.filter((source) => !source.isTest);

/** The file a relative import means, as a path from the root. */
function target(source: SourceFile, specifier: string): string {
  return relative(root, resolve(root, dirname(source.path), specifier));
}

describe('the packages', () => {
  it('are exactly those of the import table', () => {
    const present = globSync('packages/*/package.json', { cwd: root }).map((path) => path.split('/')[1]);
    expect(present.sort()).toEqual(Object.keys(mayImport).sort());
  });

  it('import only what the table allows', () => {
    const offences = production.flatMap((source) =>
      source.imports
        .filter((name) => name.startsWith('@consilium/') || name === 'consilium')
        .map((name) => name.replace('@consilium/', '').split('/')[0]!)
        .filter((name) => !mayImport[source.package]?.includes(name))
        .map((name) => `${source.path} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });

  it('show a browser only what describes the interface of a service', () => {
    const offences = production
      .filter((source) => source.package === 'console')
      .flatMap((source) =>
        source.imports
          .filter(
            (name) =>
              name.startsWith('node:') ||
              /^@consilium\/(?:archive|coordinator|people|reading)(?!\/api$)/.test(name) ||
              name === '@consilium/study',
          )
          .map((name) => `${source.path} imports ${name}`),
      );
    expect(offences).toEqual([]);
  });

  it('reach each other by name, never by path', () => {
    const offences = sources.flatMap((source) =>
      source.imports
        .filter((name) => name.startsWith('.') && !target(source, name).startsWith(`packages/${source.package}/`))
        .map((name) => `${source.path} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });
});

describe('the files', () => {
  it('have kebab-case names that are nouns of their own', () => {
    const offences = sources
      .map((source) => source.path)
      .filter((path) => {
        const name = basename(path).replace(/(\.[a-z]+)?\.tsx?$/, '');
        return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || /^(utils?|helpers?|common|misc|manager)$/.test(name);
      });
    expect(offences).toEqual([]);
  });

  it('do not import their own index', () => {
    const offences = sources.flatMap((source) =>
      source.imports
        .filter((name) => name.startsWith('.') && /(^|\/)index\.ts$/.test(name))
        .map((name) => `${source.path} imports ${name}`),
    );
    expect(offences).toEqual([]);
  });

  it('do not import each other in a circle', () => {
    const importsOf = new Map(
      production.map((source) => [
        source.path,
        source.imports.filter((name) => name.startsWith('.')).map((name) => target(source, name)),
      ]),
    );
    const state = new Map<string, 'open' | 'closed'>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'closed') return;
      if (state.get(path) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
        return;
      }
      state.set(path, 'open');
      for (const next of importsOf.get(path) ?? []) visit(next, [...trail, path]);
      state.set(path, 'closed');
    };
    for (const path of importsOf.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it('hold no FIXME', () => {
    const mark = ['FIX', 'ME'].join('');
    expect(sources.filter((source) => source.text.includes(mark)).map((source) => source.path)).toEqual([]);
  });

  it('keep index.ts a table of contents', () => {
    const offences = sources
      .filter((source) => /packages\/[^/]+\/src\/index\.ts$/.test(source.path))
      .filter((source) => {
        const file = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest);
        return !file.statements.every((statement) => ts.isExportDeclaration(statement) && statement.exportClause);
      })
      .map((source) => source.path);
    expect(offences).toEqual([]);
  });

  it('read clock and chance only at the edges', () => {
    const allowed = /(\/main\.tsx?|\/ports\/|\/runtime\/|packages\/cli\/)/;
    const offences = production
      .filter((source) => !allowed.test(source.path))
      .flatMap((source) =>
        ['Math.random(', 'Date.now(', 'new Date()', 'performance.now(']
          .filter((call) => source.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').includes(call))
          .map((call) => `${source.path} calls ${call}`),
      );
    expect(offences).toEqual([]);
  });
});

describe('the errors', () => {
  const codesIn = (name: string): Set<string> =>
    new Set(
      production
        .filter((source) => source.package === name)
        .flatMap((source) => [
          ...source.text.matchAll(
            new RegExp(`['"\`](${name}\\.(?!(?:yaml|sqlite)\\b)[a-z0-9]+(?:-[a-z0-9]+)*)['"\`]`, 'g'),
          ),
        ])
        .map((match) => match[1]!),
    );
  const documentedIn = (name: string): Set<string> => {
    const page = join(root, 'docs/errors', `${name}.md`);
    const text = existsSync(page) ? readFileSync(page, 'utf8') : '';
    return new Set([...text.matchAll(/^## `?([a-z0-9.-]+)`?\s*$/gm)].map((match) => match[1]!));
  };

  it.each(Object.keys(mayImport))('of %s are each explained in docs/errors, and no others', (name) => {
    expect([...documentedIn(name)].sort()).toEqual([...codesIn(name)].sort());
  });
});

describe('the documents', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];

  it.each(documents)('%s names only paths that exist', (document) => {
    const text = readFileSync(join(root, document), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    const quoted = [...text.matchAll(/`((?:packages|docs|scripts|test|bench|\.ci)\/[^`*<>{}\s]*)`/g)].map(
      (match) => match[1]!,
    );
    expect([...links, ...quoted].filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('hold the same import table as this test', () => {
    const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const table = Object.fromEntries(
      [...text.matchAll(/^\| `packages\/([a-z]+)` \|[^|]*\|([^|]*)\|/gm)].map((match) => [
        match[1]!,
        match[2]!
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '' && name !== '–')
          .sort(),
      ]),
    );
    expect(table).toEqual(
      Object.fromEntries(Object.entries(mayImport).map(([name, allowed]) => [name, [...allowed].sort()])),
    );
  });
});
