/**
 * V8 without Maglev, its middle compiler, which Node 24 uses and Node 22 does not. Now and then, when it takes over a loop that
 * is running, the function goes on without the loops that follow: docs/decisions/0009-same-bytes.md. Called first by every program.
 */
import { setFlagsFromString } from 'node:v8';

export function leaveOutMaglev(): void {
  setFlagsFromString('--no-maglev');
}
