/** Something between a site and the coordinator that a broken connection ends: a request and its answer, or a line. */
export type End = 'site' | 'coordinator';

export class Exchange {
  /** What happens at an end when it learns that the connection is broken. */
  readonly #onClosed: Record<End, (error: unknown) => void> = { site: () => {}, coordinator: () => {} };
  readonly #open = new Set<End>(['site', 'coordinator']);
  readonly #onOver: () => void;
  /** What one end sends on a line arrives in order. */
  lastArrivalMs = 0;

  /** `onOver` is called when both ends have closed. */
  constructor(onOver: (exchange: Exchange) => void) {
    this.#onOver = () => onOver(this);
  }

  isOpenAt(end: End): boolean {
    return this.#open.has(end);
  }

  onClosed(end: End, tell: (error: unknown) => void): void {
    this.#onClosed[end] = tell;
  }

  /** @returns false if this end was closed before. */
  close(end: End, error: unknown): boolean {
    if (!this.#open.delete(end)) return false;
    this.#onClosed[end](error);
    if (this.#open.size === 0) this.#onOver();
    return true;
  }
}
