/** The longest time that timers know, ms. */
const LONGEST = 2 ** 31 - 1;

/** Aborted after that many seconds; undefined where there is no limit, or one of weeks. */
export function deadlineAfter(seconds: number | undefined): AbortSignal | undefined {
  if (seconds === undefined || 1000 * seconds > LONGEST) return undefined;
  return AbortSignal.timeout(Math.ceil(1000 * seconds));
}

/** Aborted with the first of the two. */
export const eitherOf = (a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined =>
  a && b ? AbortSignal.any([a, b]) : (a ?? b);

/** What the work gives; null where it is not begun, or fails, because the time is over. */
export async function inTime<T>(work: () => Promise<T>, deadline: AbortSignal | undefined): Promise<T | null> {
  if (deadline?.aborted) return null;
  try {
    return await work();
  } catch (error) {
    if (deadline?.aborted) return null;
    throw error;
  }
}
