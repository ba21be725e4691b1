/** The pages, each a file of its own with its scripts beside it; the services serve `dist/` as it is. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const documents = resolve(import.meta.dirname, '../../docs/errors');

const documented = [
  ...['archive', 'people', 'imaging', 'reading', 'console', 'coordinator', 'federation', 'transport', 'site', 'study'],
  ...['protocol', 'audit', 'training'],
];

/** The words of `docs/errors/` for every code that a page may show: written once, read in both places. */
function errorPages(): Plugin {
  const id = 'virtual:error-pages';
  return {
    name: 'error-pages',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: async (source) => {
      if (source !== `\0${id}`) return undefined;
      const sections: [string, string][] = [];
      for (const name of documented) {
        const text = await readFile(resolve(documents, `${name}.md`), 'utf8');
        for (const section of text.split(/^## /m).slice(1)) {
          const [heading = '', ...lines] = section.split('\n');
          sections.push([heading.replaceAll('`', '').trim(), lines.join(' ').replace(/\s+/g, ' ').trim()]);
        }
      }
      return `export const errorPages = ${JSON.stringify(Object.fromEntries(sections))};`;
    },
  };
}

/**
 * Parts of Cornerstone3D that the annotator never runs, left out: vtk.js's writer of XML, which would drag in Node's `events` and
 * `url`, and a worker of 3 MB for statistics.
 */
function withoutUnused(): Plugin {
  const stubs: readonly (readonly [RegExp, string])[] = [
    [/^xmlbuilder2$/, 'export function create() { throw new Error("left out"); }'],
    [/\/registerComputeWorker\.js$/, 'export function registerComputeWorker() {}'],
  ];
  const prefix = '\0left-out:';
  return {
    name: 'without-unused',
    enforce: 'pre',
    resolveId: (source) => {
      const at = stubs.findIndex(([pattern]) => pattern.test(source));
      return at < 0 ? undefined : prefix + at;
    },
    load: (id) => (id.startsWith(prefix) ? stubs[Number(id.slice(prefix.length))]![1] : undefined),
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react(), errorPages(), withoutUnused()],
  resolve: { conditions: ['consilium-source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Of `light-dark()`: browsers since the spring of 2024.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    rolldownOptions: {
      input: {
        site: resolve(import.meta.dirname, 'site.html'),
        annotator: resolve(import.meta.dirname, 'annotator.html'),
        project: resolve(import.meta.dirname, 'project.html'),
      },
    },
  },
});
