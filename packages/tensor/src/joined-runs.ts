import { breathe } from './slices.ts';

/** An item that waits. */
interface Waiting<T, R> {
  readonly item: T;
  readonly signal: AbortSignal | undefined;
  readonly priority: number;
  resolve(result: R): void;
  reject(error: unknown): void;
}

export interface JoinedRunsOptions {
  /**
   * Before each batch everything that is ready runs first, so that callers who were answered together ask together again. Without
   * it, an item that comes alone is worked on at once. Default false.
   */
  readonly gather?: boolean;
}

/**
 * Joins inputs that come one by one into batches: those that come while a batch is worked on are the next. Nothing waits for a
 * timer. An item whose signal is aborted while it waits is rejected with the signal's reason.
 */
export class JoinedRuns<T, R> {
  readonly #run: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #most: number;
  readonly #gather: boolean;
  #waiting: Waiting<T, R>[] = [];
  #working = false;

  /** @param most items of a batch, at most. */
  constructor(
    run: (items: readonly T[]) => Promise<readonly R[]>,
    most: number,
    { gather = false }: JoinedRunsOptions = {},
  ) {
    if (!Number.isSafeInteger(most) || most < 1)
      throw new RangeError(`maxBatch must be a whole number from 1, got ${most}`);
    this.#run = run;
    this.#most = most;
    this.#gather = gather;
  }

  /** @param priority items with a higher one go first while they wait; equals in the order in which they came. */
  run(item: T, signal?: AbortSignal, priority: number = 0): Promise<R> {
    return new Promise((resolve, reject) => {
      const before = this.#waiting.findIndex((other) => other.priority < priority);
      const at = before < 0 ? this.#waiting.length : before;
      this.#waiting.splice(at, 0, { item, signal, priority, resolve, reject });
      if (!this.#working) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#working = true;
    if (this.#gather) await breathe();
    while (this.#waiting.length > 0) {
      const [dropped, waiting] = [this.#waiting.filter(isAborted), this.#waiting.filter((one) => !isAborted(one))];
      for (const { reject, signal } of dropped) reject(signal!.reason);
      const batch = waiting.splice(0, this.#most);
      this.#waiting = waiting;
      if (batch.length === 0) continue;
      try {
        const results = await this.#run(batch.map(({ item }) => item));
        for (const [i, { resolve }] of batch.entries()) resolve(results[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      if (this.#gather) await breathe();
    }
    this.#working = false;
  }
}

const isAborted = ({ signal }: { readonly signal: AbortSignal | undefined }): boolean => signal?.aborted ?? false;
