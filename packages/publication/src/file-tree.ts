/** Files by their paths, wherever they lie: in a directory or in a zip. */
import type { InstanceSource } from '@consilium/imaging';

/** Paths have slashes and are relative to the tree's root. */
export type FileTree = ReadonlyMap<string, InstanceSource>;

/** Where files are written; whoever runs the command says where that is. */
export interface FileSink {
  /** `path` with slashes, relative; written once. */
  write(path: string, bytes: Uint8Array): Promise<void>;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Two spaces, a newline at the end; keys in the order they were given. */
export function jsonBytes(value: unknown): Uint8Array {
  return utf8(`${JSON.stringify(value, null, 2)}\n`);
}
