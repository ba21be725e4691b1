/** The most memory that this process ever had resident. */
import { readFileSync } from 'node:fs';

export function residentPeakBytes(): number {
  return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}
