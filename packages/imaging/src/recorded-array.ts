/** What `recording/record.py` wrote, read back; for tests only. */
import { readFileSync } from 'node:fs';

export function recorded<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./recorded/${name}`, import.meta.url), 'utf8')) as T;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Little-endian base64 to numbers. */
export const fromBase64 = {
  uint8: bytesOf,
  int16: (text: string): Int16Array => new Int16Array(bytesOf(text).buffer),
  int32: (text: string): Int32Array => new Int32Array(bytesOf(text).buffer),
  float32: (text: string): Float32Array => new Float32Array(bytesOf(text).buffer),
  float64: (text: string): Float64Array => new Float64Array(bytesOf(text).buffer),
};

/** A grid as SimpleITK says it: `[x, y, z]`, direction row by row. */
export interface SimpleItkGrid {
  readonly size: readonly number[];
  readonly origin: readonly number[];
  readonly spacing: readonly number[];
  readonly direction: readonly number[];
}
