/** Time in a browser: the one place of the pages that waits, and that knows what time it is. */

/** Until the answer is called. */
export function later(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

/** Again and again, until the answer is called. */
export function every(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms);
  return () => clearInterval(timer);
}

/** Milliseconds since 1970. */
export function nowMs(): number {
  return Date.now();
}

/** When what has changed on the page has been painted. */
export function nextFrame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 0));
  });
}
