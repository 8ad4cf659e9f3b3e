/** What comes of each item, in their order, with at most `atOnce` under way. Where one throws, so does the iteration in its turn; what was begun by then goes on unheard. */
export async function* inOrder<T, R>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  for (const item of items) {
    const result = work(item);
    result.catch(() => {}); // Awaited in its turn; until then a failure must not go unheard.
    running.push(result);
    const oldest = running.length < atOnce ? undefined : running.shift();
    if (oldest) yield await oldest;
  }
  for (const result of running) yield await result;
}
