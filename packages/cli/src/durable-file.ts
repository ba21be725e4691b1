/** Writing a file so that, after a power cut, it is there whole or as it was before. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes beside `path`, flushes, renames into place, and flushes the directory. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
