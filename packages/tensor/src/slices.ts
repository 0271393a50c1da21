/** Work in small parts: a generator that stops between them and returns the result. */
export type InParts<T> = Generator<void, T>;

/** How long the event loop waits for one part of a compilation, ms. */
const SLICE = 5;

/** Lets the event loop run. */
export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

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
