/** The pages, each a file of its own with its scripts beside it; the services serve `dist/` as it is. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const documents = resolve(import.meta.dirname, '../../docs/errors');

/** The words of `docs/errors/` for every code that a page may show: written once, read in both places. */
function errorPages(): Plugin {
  const id = 'virtual:error-pages';
  return {
    name: 'error-pages',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: async (source) => {
      if (source !== `\0${id}`) return undefined;
      const sections: [string, string][] = [];
      for (const name of ['archive', 'people', 'imaging', 'reading', 'console']) {
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

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react(), errorPages()],
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
      },
    },
  },
});
