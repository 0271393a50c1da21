/** What an rxjs Observable has of interest here; this package does not need rxjs. */
interface Subscribable<T> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void; complete(): void }): { unsubscribe(): void };
}

/** Items from memory, asked for one by one, or from an Observable, whose items wait until they are wanted. */
export type EachOf<T> = Iterable<T> | AsyncIterable<T> | Subscribable<T>;

export async function* eachOf<T>(source: EachOf<T>): AsyncGenerator<T, void, undefined> {
  if (!('subscribe' in source)) {
    yield* source;
    return;
  }
  const waiting: T[] = [];
  let end: { readonly error?: unknown } | undefined;
  let wake = (): void => {};
  const finish = (how: { readonly error?: unknown }): void => {
    end = how;
    wake();
  };
  const subscription = source.subscribe({
    next: (value) => {
      waiting.push(value);
      wake();
    },
    error: (error) => finish({ error }),
    complete: () => finish({}),
  });
  try {
    for (;;) {
      if (waiting.length > 0) yield waiting.shift()!;
      else if (!end) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if ('error' in end) throw end.error;
      else return;
    }
  } finally {
    subscription.unsubscribe();
  }
}
