/** The page that segments in a browser: one HTML file with its scripts and ONNX Runtime's WebAssembly beside it. */
import { resolve } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  resolve: { conditions: ['consilium-source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: resolve(import.meta.dirname, '../dist/browser'),
    emptyOutDir: true,
    target: 'es2022',
    // Names without hashes: the same sources give the same crate.
    rolldownOptions: {
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name].js',
        assetFileNames: '[name][extname]',
      },
    },
  },
});
