/**
 * How much all associations together may hold in memory. Who asks for more waits until others let go; the one that has
 * held something for longest never waits, so that there always is one that gets done. What is held is therefore at most
 * the budget and one instance.
 */
export class ByteBudget {
  readonly #bytesMax: number;
  /** In the order in which they began to hold something. */
  readonly #heldBytes = new Map<object, number>();
  readonly #waiting = new Set<() => void>();
  #total = 0;

  constructor(options: { bytesMax: number }) {
    this.#bytesMax = options.bytesMax;
  }

  get totalBytes(): number {
    return this.#total;
  }

  async take(holder: object, bytes: number): Promise<void> {
    if (!this.#heldBytes.has(holder)) this.#heldBytes.set(holder, 0);
    while (this.#total + bytes > this.#bytesMax && this.#heldBytes.keys().next().value !== holder) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
    this.#total += bytes;
    this.#heldBytes.set(holder, (this.#heldBytes.get(holder) ?? 0) + bytes);
  }

  letGo(holder: object): void {
    this.#total -= this.#heldBytes.get(holder) ?? 0;
    this.#heldBytes.delete(holder);
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of woken) resolve();
  }
}
