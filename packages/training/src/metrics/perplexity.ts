/** exp of the mean cross entropy per token, from sums and counts as `crossEntropyParts` gives them. */
export class Perplexity {
  #sum = 0;
  #count = 0;

  /** @param sum of the tokens' cross entropies, natural logarithm. @throws RangeError for a count below 0. */
  update(sum: number, count: number): void {
    if (!(count >= 0)) throw new RangeError(`Perplexity: the count must be 0 or more, got ${count}`);
    this.#sum += sum;
    this.#count += count;
  }

  /** NaN of no token. */
  compute(): number {
    return Math.exp(this.#sum / this.#count);
  }

  reset(): void {
    this.#sum = this.#count = 0;
  }
}
