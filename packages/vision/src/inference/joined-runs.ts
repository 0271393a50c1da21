/**
 * Joins inputs that come one by one into batches: those that come while a batch is worked on are the next. Nothing waits for a timer,
 * so an input that comes alone is worked on at once.
 */
export class JoinedRuns<T, R> {
  readonly #run: (items: readonly T[]) => Promise<readonly R[]>;
  readonly #most: number;
  #waiting: { readonly item: T; resolve(result: R): void; reject(error: unknown): void }[] = [];
  #working = false;

  /** @param most items of a batch, at most. */
  constructor(run: (items: readonly T[]) => Promise<readonly R[]>, most: number) {
    if (!Number.isSafeInteger(most) || most < 1)
      throw new RangeError(`maxBatch must be a whole number from 1, got ${most}`);
    this.#run = run;
    this.#most = most;
  }

  run(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#working) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#most);
      try {
        const results = await this.#run(batch.map(({ item }) => item));
        for (const [i, { resolve }] of batch.entries()) resolve(results[i]!);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#working = false;
  }
}
