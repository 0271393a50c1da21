/** How long a stretch of work may keep the event loop, ms. */
const STRETCH = 25;

/** Long work in stretches: lets the event loop run in between, and ends at a signal. */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.throwIfAborted();
  }

  get due(): boolean {
    return performance.now() - this.#since > STRETCH;
  }

  /** @throws the signal's reason. */
  async rest(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#signal?.throwIfAborted();
    this.#since = performance.now();
  }

  /** Runs what yields now and then to its end. */
  async run<Y, R>(work: Generator<Y, R>, tell: (value: Y) => void): Promise<R> {
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
      if (!this.due) continue;
      tell(step.value);
      await this.rest();
    }
  }
}
