/** Timers in the order in which they ring; those of the same moment in the order in which they were set. */
export interface Timer {
  readonly atMs: number;
  readonly number: number;
  /** null once it was cancelled. */
  ring: (() => void) | null;
}

/** A binary heap. A cancelled timer stays until it comes up, or until most of the heap is cancelled. */
export class TimerHeap {
  #timers: Timer[] = [];
  #cancelled = 0;
  #count = 0;

  get isEmpty(): boolean {
    return this.#timers.length === this.#cancelled;
  }

  add(atMs: number, ring: () => void): Timer {
    const timer: Timer = { atMs, number: this.#count++, ring };
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
    return timer;
  }

  /** Of a timer that has not been taken yet. */
  cancel(timer: Timer): void {
    if (timer.ring === null) return;
    timer.ring = null;
    this.#cancelled += 1;
    if (this.#cancelled > 64 && this.#cancelled > this.#timers.length / 2) this.#sweep();
  }

  /** The first to ring, no longer in the heap. */
  take(): { readonly atMs: number; readonly ring: () => void } | undefined {
    while (this.#timers.length > 0) {
      const first = this.#timers[0]!;
      const last = this.#timers.pop()!;
      if (this.#timers.length > 0) {
        this.#timers[0] = last;
        this.#sink(0);
      }
      const { atMs, ring } = first;
      if (ring !== null) {
        first.ring = null;
        return { atMs, ring };
      }
      this.#cancelled -= 1;
    }
    return undefined;
  }

  #sweep(): void {
    this.#timers = this.#timers.filter(({ ring }) => ring !== null);
    this.#cancelled = 0;
    for (let index = this.#timers.length >> 1; index >= 0; index--) this.#sink(index);
  }

  #rise(from: number): void {
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #sink(from: number): void {
    for (let index = from; ; ) {
      let first = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#timers.length && this.#isBefore(child, first)) first = child;
      }
      if (first === index) return;
      this.#swap(index, first);
      index = first;
    }
  }

  #isBefore(index: number, other: number): boolean {
    const [one, two] = [this.#timers[index]!, this.#timers[other]!];
    return one.atMs < two.atMs || (one.atMs === two.atMs && one.number < two.number);
  }

  #swap(index: number, other: number): void {
    const timer = this.#timers[index]!;
    this.#timers[index] = this.#timers[other]!;
    this.#timers[other] = timer;
  }
}
