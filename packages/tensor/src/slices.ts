/** Work in small parts: a generator that stops between them and returns the result. */
export type InParts<T> = Generator<void, T>;

/**
 * How long one part of a compilation may take, ms. The event loop waits longer: while the runtime and V8's own threads work on
 * two cores, the system lets the main thread wait for several times its slices of 4 ms.
 */
const SLICE = 2;

/** Lets the event loop run. */
export const breathe = (): Promise<void> =>
  new Promise((resolve) => (typeof setImmediate === 'function' ? setImmediate(resolve) : setTimeout(resolve, 0)));

/** All parts at once. */
export function atOnce<T>(work: InParts<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/**
 * The parts in turn, with the event loop running in between.
 * @param within runs a part; to set something up that other work must not see.
 */
export async function inSlices<T>(
  work: InParts<T>,
  within: (part: () => IteratorResult<void, T>) => IteratorResult<void, T> = (part) => part(),
): Promise<T> {
  for (let start = performance.now(); ; ) {
    const { done, value } = within(() => work.next());
    if (done) return value;
    if (performance.now() - start < SLICE) continue;
    await breathe();
    start = performance.now();
  }
}
