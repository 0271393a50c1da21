import type { Stage } from './stage.ts';

/** Tokens that go through the stages of a decoder; what has passed the last one is text. */
export class StagedText {
  readonly #stages: readonly Stage[];
  readonly #emits: readonly ((part: string, last: boolean) => void)[];
  #text = '';

  constructor(stages: readonly Stage[]) {
    this.#stages = stages;
    this.#emits = stages.map((_, i) => (part: string, last: boolean): void => {
      const next = stages[i + 1];
      if (next) next.push(part, last, this.#emits[i + 1]!);
      else this.#text += part;
    });
  }

  /** The text that this token completes. */
  push(token: string): string {
    if (this.#stages[0]) this.#stages[0].push(token, true, this.#emits[0]!);
    else this.#text += token;
    return this.#taken();
  }

  /** What the stages still hold. */
  end(): string {
    this.#stages.forEach((stage, i) => {
      stage.end(this.#emits[i]!);
    });
    return this.#taken();
  }

  #taken(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }
}
