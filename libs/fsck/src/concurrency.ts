/** The work on every item, at most `many` under way at the same time. The first failure ends it. */
export async function allOf<T>(items: readonly T[], many: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: Math.min(many, items.length) }, worker));
}

/** The results of the work on every item in their order, of which up to `many` are made ahead. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  many: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const ahead: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // said when its turn comes
    ahead.push(result);
    if (ahead.length < many) continue;
    const [first] = ahead.splice(0, 1);
    if (first !== undefined) yield await first;
  }
  for (const result of ahead) yield await result;
}
