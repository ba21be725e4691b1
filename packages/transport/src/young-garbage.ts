/**
 * The small buffers of arriving bytes, collected often. Node makes one of every record of TLS, outside the heap, where
 * V8 sees them only when 64 MB have gathered, and then marks the whole heap to find that nothing else died. A
 * collection of the young generation costs a millisecond and finds them all: docs/decisions/0008-cost-of-a-round.md.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' | 'major'; readonly flavor?: 'last-resort' }) => void;

const collectEveryBytes = 8 * 2 ** 20;
/** Of the young generation, both halves. */
const youngBytesMax = 16 * 2 ** 20;
let arrived = 0;
let collect: Collect | undefined;
/** Of the young generation: as V8 likes, or up to what it may have, or ended. */
let growth: 'free' | 'watched' | 'ended' = 'free';

/** Says that so many bytes arrived in buffers that are no longer used. */
export function collectAfter(bytes: number): void {
  arrived += bytes;
  if (arrived < collectEveryBytes) return;
  arrived = 0;
  collect ??= collector();
  collect({ type: 'minor' });
  if (growth === 'watched' && youngBytes() >= youngBytesMax) endGrowth();
}

/**
 * For a program that moves chunks. V8 marks its whole heap when that is nearly full, and not, as it would, again and again
 * because of what comes and goes outside it. The young generation, which loading the program has let grow to 64 MiB, begins
 * anew and stays small: what dies in it is collected often anyway.
 */
export function keepHeapSmall(): void {
  if (growth !== 'free') return;
  growth = 'watched';
  setFlagsFromString('--incremental-marking-soft-trigger=60');
  setFlagsFromString('--incremental-marking-hard-trigger=80');
  collect ??= collector();
  collect({ type: 'major', flavor: 'last-resort' });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}

function endGrowth(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  growth = 'ended';
}

/** Says that so many bytes were read from files: much smaller garbage, of which V8 would let tens of megabytes gather. */
export function collectAfterReading(bytes: number): void {
  collectAfter(bytes / 8);
}

/** What `node --expose-gc` gives, without asking whoever starts the process for it. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const exposed = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return exposed;
}
