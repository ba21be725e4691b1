/** What is published of an experiment: its record, what it says, its figures. */
import { basename } from 'node:path';
import type { CrateFile } from './crate/crate-file.ts';
import type { FileTree } from './file-tree.ts';
import { PublicationError } from './publication-error.ts';

const published = /^(?:(?:experiment|analysis|sites|test-ledger)\.json|figures\/[^/]+)$/;

/**
 * @param tree as `consilium experiment run` has left it
 * @throws PublicationError `publication.experiment-unfinished`
 */
export async function experimentFiles(name: string, tree: FileTree): Promise<CrateFile[]> {
  if (!tree.has('experiment.json')) {
    throw new PublicationError(
      'publication.experiment-unfinished',
      'What was named holds no experiment that came to its end.',
      { detail: name },
    );
  }
  const found = [...tree].filter(([path]) => published.test(path));
  return Promise.all(
    found.map(async ([path, source]) => ({
      path: `methodology/experiments/${name}/${path}`,
      name: `Experiment ${name}: ${basename(path)}`,
      bytes: await source.read(),
    })),
  );
}
