/** Time in a browser: the one place of the pages that waits. */
/** Until the answer is called. */
export function later(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
