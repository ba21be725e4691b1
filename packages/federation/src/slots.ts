/** A number of places (for tasks, contributions, chunks) that are taken and given back. First come, first served. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** `slots`: at least 1. */
  constructor(slots: number) {
    this.#free = slots;
  }

  /** A slot that is given back by disposing of it. */
  async take(): Promise<Disposable> {
    return (await this.acquire())!;
  }

  /** A slot that is given back by disposing of it; null if `signal` aborted first. */
  async acquire(signal?: AbortSignal): Promise<Disposable | null> {
    if (signal?.aborted) return null;
    if (this.#free > 0) {
      this.#free -= 1;
      return this.#slot();
    }
    return new Promise((resolve) => {
      const take = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(this.#slot());
      };
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        resolve(null);
      };
      this.#waiting.push(take);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #slot(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        const next = this.#waiting.shift();
        if (next === undefined) this.#free += 1;
        else next();
      },
    };
  }
}
