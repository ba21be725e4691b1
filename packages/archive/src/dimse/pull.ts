/**
 * Fetches a study or a series from a remote archive into ours: asks what there is, and has only what is missing sent.
 * Broken off, it goes on where it was when it is called again; while anything more arrives, it does not give up.
 */
import type { Door } from '../admission.ts';
import { ArchiveError } from '../archive-error.ts';

export interface RemoteInstance {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  /** Where the remote archive tells it. */
  readonly sopClassUid: string | undefined;
}

export interface PullTarget {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid?: string;
}

/** A PACS, by whatever protocol. */
export interface RemoteArchive {
  list(target: PullTarget, signal: AbortSignal): Promise<readonly RemoteInstance[]>;
  /**
   * Has `instances` sent. What comes may be less; `onProgress` is told of each step. Those that it saw the door take are
   * added to `taken`; a protocol by which instances come elsewhere adds none.
   */
  fetch(
    instances: readonly RemoteInstance[],
    options: { door: Door; signal: AbortSignal; onProgress: () => void; taken: Set<string> },
  ): Promise<void>;
}

export interface PullOptions {
  readonly remote: RemoteArchive;
  readonly target: PullTarget;
  readonly door: Door;
  /** Which of these, by their UIDs at the remote archive, the door has taken before: stored or in quarantine. */
  readonly heldOf: (sopInstanceUids: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly signal: AbortSignal;
  /** Resolves after `ms`, or when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** So often in a row may nothing arrive; default 4. */
  readonly attemptsMax?: number;
  readonly onProgress?: (progress: PullProgress) => void;
}

export interface PullProgress {
  readonly instances: number;
  readonly held: number;
}

export interface PullResult extends PullProgress {
  /** Whether all of it is here; if not, what stood in the way last, if it said so. */
  readonly complete: boolean;
  readonly failure: ArchiveError | undefined;
}

const firstPauseMs = 1000;

/** @throws ArchiveError if not even the list could be had */
export async function pull(options: PullOptions): Promise<PullResult> {
  const { attemptsMax = 4, door, onProgress, remote, signal, sleep, target } = options;
  const taken = new Set<string>();
  const instances = await remote.list(target, signal);
  const uids = instances.map(({ sopInstanceUid }) => sopInstanceUid);
  const missingNow = async () => {
    const held = await options.heldOf(uids);
    return instances.filter(({ sopInstanceUid }) => !held.has(sopInstanceUid) && !taken.has(sopInstanceUid));
  };
  let failure: ArchiveError | undefined;
  let missing = await missingNow();
  for (let attempt = 0; missing.length > 0 && attempt < attemptsMax && !signal.aborted; ) {
    const before = missing.length;
    failure = undefined;
    const takenBefore = taken.size;
    const tell = () => onProgress?.({ instances: uids.length, held: uids.length - before + taken.size - takenBefore });
    try {
      await remote.fetch(missing, { door, signal, onProgress: tell, taken });
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      failure = error;
    }
    missing = await missingNow();
    onProgress?.({ instances: uids.length, held: uids.length - missing.length });
    attempt = missing.length < before ? 0 : attempt + 1;
    if (missing.length > 0 && attempt > 0 && attempt < attemptsMax)
      await sleep(firstPauseMs * 2 ** (attempt - 1), signal);
  }
  return { instances: uids.length, held: uids.length - missing.length, complete: missing.length === 0, failure };
}
