/** Bytes that nobody can guess. */
import { randomBytes } from 'node:crypto';

export const secretBytes = (count: number): Uint8Array => randomBytes(count);
