/** Does `work` on every item, a few at a time. After the first error nothing new begins, and what has begun is aborted. */
export async function inParallel<Item>(
  items: readonly Item[],
  { atOnce, signal }: { atOnce: number; signal: AbortSignal },
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) {
      either.throwIfAborted();
      await work(item, either);
    }
  };
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, () =>
    worker().catch((error) => {
      failed.abort(error);
    }),
  );
  await Promise.all(workers);
  either.throwIfAborted();
}
