/** What comes of each item, in whatever order they end, with at most `atOnce` under way. Takes up no further item once `signal` is aborted, and ends with what was begun. Throws what `work` throws. */
export async function* asTheyCome<T, R>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R> {
  const running = new Map<number, Promise<readonly [number, R]>>();
  let begun = 0;
  for (const item of items) {
    if (signal?.aborted) break;
    const number = begun++;
    const result = work(item).then((value) => [number, value] as const);
    result.catch(() => {}); // Awaited below; until then a failure must not go unheard.
    running.set(number, result);
    if (running.size >= atOnce) yield await next(running);
  }
  while (running.size > 0) yield await next(running);
}

async function next<R>(running: Map<number, Promise<readonly [number, R]>>): Promise<R> {
  const [number, value] = await Promise.race(running.values());
  running.delete(number);
  return value;
}
