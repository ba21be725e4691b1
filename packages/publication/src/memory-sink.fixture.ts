/** A crate in memory. */
import { inMemory } from '@consilium/imaging';
import type { FileSink, FileTree } from './file-tree.ts';

export class MemorySink implements FileSink {
  readonly files = new Map<string, Uint8Array>();

  async write(path: string, bytes: Uint8Array): Promise<void> {
    if (this.files.has(path)) throw new Error(`${path} is written twice`);
    this.files.set(path, bytes.slice());
  }

  get tree(): FileTree {
    return treeOf(this.files);
  }

  text(path: string): string {
    return new TextDecoder().decode(this.files.get(path));
  }

  json<T = Record<string, unknown>>(path: string): T {
    return JSON.parse(this.text(path)) as T;
  }
}

export function treeOf(files: ReadonlyMap<string, Uint8Array>): FileTree {
  return new Map([...files].map(([path, bytes]) => [path, inMemory(bytes)]));
}
