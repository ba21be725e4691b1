/**
 * The bytes of a data set as they come, joined once at the end. Large parts are kept as they are; small ones are gathered
 * into blocks, so that a peer that sends byte by byte does not take a hundred times the memory of what it sends.
 */
const smallBytes = 4096;
const blockBytes = 64 * 1024;

export class PartList {
  #parts: Buffer[] = [];
  #block = Buffer.alloc(0);
  /** Of the block: where what is listed ends, and where what is filled ends. */
  #listed = 0;
  #filled = 0;

  /** @param bytes not written to again. */
  add(bytes: Buffer): void {
    if (bytes.length >= smallBytes) {
      this.#list();
      this.#parts.push(bytes);
      return;
    }
    if (this.#filled + bytes.length > this.#block.length) {
      this.#list();
      this.#block = Buffer.allocUnsafe(blockBytes);
      this.#listed = 0;
      this.#filled = 0;
    }
    bytes.copy(this.#block, this.#filled);
    this.#filled += bytes.length;
  }

  /** All that was added, in order; it is not held any longer. */
  take(): readonly Buffer[] {
    this.#list();
    const parts = this.#parts;
    this.#parts = [];
    this.#block = Buffer.alloc(0);
    this.#listed = 0;
    this.#filled = 0;
    return parts;
  }

  #list(): void {
    if (this.#filled > this.#listed) this.#parts.push(this.#block.subarray(this.#listed, this.#filled));
    this.#listed = this.#filled;
  }
}
