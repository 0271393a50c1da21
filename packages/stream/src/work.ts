import { uniformSource } from '@rivulet/generation';
import { checkDuration, checkWhole } from './check.ts';

/** What the operators that call a function for each item take. */
export type Work<T, R> = (item: T, signal: AbortSignal) => Promise<R> | R;

/** Waits; an aborted signal ends the wait with its reason. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

export interface RetryOptions {
  /** How often the work is tried in all. Default 3. */
  readonly attempts?: number;
  /** The first wait, ms; each one after is twice as long. Default 100. */
  readonly wait?: number;
  /** The longest wait, ms. Default 30,000. */
  readonly maxWait?: number;
  /** Waits are drawn between half and all of their length, from this seed. Default 0. */
  readonly seed?: number;
  /** Says whether an error is worth another try. Default: every one. */
  readonly retryable?: (error: unknown) => boolean;
}

/** The work, tried again after an error with growing waits. The last error is thrown as it is. */
export function withRetry<T, R>(
  work: Work<T, R>,
  { attempts = 3, wait = 100, maxWait = 30_000, seed = 0, retryable = () => true }: RetryOptions = {},
): Work<T, R> {
  checkWhole('attempts', attempts);
  checkDuration('wait', wait);
  checkDuration('maxWait', maxWait);
  const random = uniformSource(seed);
  return async (item, signal) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(item, signal);
      } catch (error) {
        if (attempt === attempts || signal.aborted || !retryable(error)) throw error;
        await delay(Math.min(maxWait, wait * 2 ** (attempt - 1)) * (0.5 + random() / 2), signal);
      }
    }
  };
}

/** Work that took longer than it may. */
export class TimeoutError extends Error {
  /** @param what happened, such as `the work took longer than it may`. */
  constructor(ms: number, what?: string) {
    super(what === undefined ? `took longer than ${ms} ms` : `${what} for ${ms} ms`);
    this.name = 'TimeoutError';
  }
}

/** The work, failing with a `TimeoutError` after `ms`; its signal is aborted then, and when the run ends. */
export function withTimeout<T, R>(work: Work<T, R>, ms: number): Work<T, R> {
  checkDuration('ms', ms);
  return async (item, signal) => {
    const own = new AbortController();
    const onAbort = (): void => own.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new TimeoutError(ms);
        own.abort(error);
        reject(error);
      }, ms);
    });
    try {
      return await Promise.race([work(item, own.signal), late]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  };
}

/** Work that was not tried, because what it needs kept failing. */
export class CircuitOpenError extends Error {
  constructor(failures: number) {
    super(`not tried: the last ${failures} calls failed`);
    this.name = 'CircuitOpenError';
  }
}

/**
 * The work, until it fails `failures` times in a row: then calls fail with a `CircuitOpenError` for `rest` ms, after which one call
 * is let through; its success closes the circuit. `now` is the clock, ms.
 */
export function withCircuitBreaker<T, R>(
  work: Work<T, R>,
  { failures = 5, rest = 10_000, now = Date.now }: { failures?: number; rest?: number; now?: () => number } = {},
): Work<T, R> {
  checkWhole('failures', failures);
  checkDuration('rest', rest);
  let failed = 0;
  let openUntil = 0;
  let probing = false;
  return async (item, signal) => {
    const open = failed >= failures;
    if (open && (probing || now() < openUntil)) throw new CircuitOpenError(failures);
    probing = open;
    try {
      const result = await work(item, signal);
      failed = 0;
      return result;
    } catch (error) {
      if (!signal.aborted && ++failed >= failures) openUntil = now() + rest;
      throw error;
    } finally {
      if (open) probing = false;
    }
  };
}
