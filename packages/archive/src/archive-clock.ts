/** The time, passed in, so that tests need not wait. */

export interface ArchiveClock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Resolves after `ms`, or when the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
