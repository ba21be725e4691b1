/** Work on one thing at a time: what is asked for a name begins when all that was asked for it before has ended. */
export class Turns<Name> {
  readonly #last = new Map<Name, Promise<unknown>>();

  async take<Result>(name: Name, work: () => Promise<Result>): Promise<Result> {
    const turn = this.settled(name).then(work);
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }

  /** Resolves when what was asked for it so far has ended, well or not. */
  async settled(name: Name): Promise<void> {
    await this.#last.get(name)?.catch(() => {});
  }
}
