/**
 * Lets work begin one piece per turn of the event loop: what comes all at once, such as the requests of 64 clients, does not stop
 * everything else until all of it is looked at.
 */
export class OnePerTurn {
  readonly #waiting: (() => void)[] = [];

  /** Resolves in this caller's turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#turn);
    });
  }

  #turn = (): void => {
    this.#waiting.shift()!(); // what it does until it waits for something is done before the next turn
    if (this.#waiting.length > 0) setImmediate(this.#turn);
  };
}
