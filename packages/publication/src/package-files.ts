/** Files of this package that go into what is published as they are. */
import { readFileSync } from 'node:fs';

const pythonScripts = ['__init__.py', 'grid.py', 'monai_parts.py', 'network.py', 'weights.py', 'windows.py'] as const;

/** The Python of a MONAI bundle, by path in the bundle. */
export function pythonFiles(): ReadonlyMap<string, Uint8Array> {
  return new Map(pythonScripts.map((name) => [`scripts/${name}`, packageFile(`python/scripts/${name}`)]));
}

/** @param path from the package's directory */
export function packageFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../${path}`, import.meta.url)));
}
