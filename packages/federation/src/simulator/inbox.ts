/** Messages that are put in as they come and taken out one by one, until the end. */
export class Inbox<T> implements AsyncIterable<T> {
  readonly #messages: T[] = [];
  #ended: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  put(message: T): void {
    this.#messages.push(message);
    this.#wake();
  }

  end(error?: unknown): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      while (this.#messages.length > 0) yield this.#messages.shift()!;
      if (this.#ended !== null) {
        if (this.#ended.error !== undefined) throw this.#ended.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
