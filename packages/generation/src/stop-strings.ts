/** What stop strings need of a tokenizer: text that comes token by token, each character once it is complete. */
export interface StreamingDecoder {
  decodeStream(): { push(id: number): string; end(): string };
}

/** A token that waits until its text cannot belong to a stop string. */
interface Held<T> {
  readonly token: T;
  readonly piece: string;
}

/** What comes out: tokens with their text; where a stop string came, which one, and the text before it within its first token. */
export interface Released<T> {
  readonly tokens: readonly Held<T>[];
  readonly stop?: { readonly stopString: string; readonly piece: string };
}

/**
 * Looks for stop strings in text that comes token by token. A token is held back as long as its text, with what follows, may
 * still turn out to be part of a stop string; so all that comes out lies before any.
 */
export class StopStrings<T extends { readonly id: number }> {
  readonly #strings: readonly string[];
  readonly #decoder: ReturnType<StreamingDecoder['decodeStream']>;
  #held: Held<T>[] = [];
  #pending = '';

  /** `context`: tokens before the first made one, which say how that one is spelled. */
  constructor(strings: readonly string[], decoder: StreamingDecoder, context: readonly number[]) {
    this.#strings = strings;
    this.#decoder = decoder.decodeStream();
    for (const id of context) this.#decoder.push(id);
  }

  push(token: T): Released<T> {
    const piece = this.#decoder.push(token.id);
    this.#held.push({ token, piece });
    this.#pending += piece;
    return this.#stopped() ?? { tokens: this.#take(this.#pending.length - this.#possible()) };
  }

  /** No token follows: what was held comes out, with the text that no token completed as `rest`. */
  end(): Released<T> & { readonly rest: string } {
    const rest = this.#decoder.end();
    this.#pending += rest;
    const stopped = this.#stopped();
    if (stopped) return { ...stopped, rest: '' };
    return { tokens: this.#take(Number.POSITIVE_INFINITY), rest };
  }

  #stopped(): Released<T> | undefined {
    let at = Number.POSITIVE_INFINITY;
    let stopString = '';
    for (const string of this.#strings) {
      const found = this.#pending.indexOf(string);
      if (found >= 0 && (found < at || (found === at && string.length > stopString.length))) {
        at = found;
        stopString = string;
      }
    }
    if (stopString === '') return undefined;
    const before = this.#pending.slice(0, at);
    const tokens = this.#take(at);
    return { tokens, stop: { stopString, piece: before.slice(tokens.reduce((n, { piece }) => n + piece.length, 0)) } };
  }

  /** The length of the longest end of the text that begins a stop string. */
  #possible(): number {
    let longest = 0;
    for (const string of this.#strings)
      for (let size = Math.min(string.length - 1, this.#pending.length); size > longest; size--)
        if (this.#pending.endsWith(string.slice(0, size))) longest = size;
    return longest;
  }

  /** The held tokens whose text lies within the first `length` characters. */
  #take(length: number): Held<T>[] {
    let count = 0;
    let upTo = 0;
    while (count < this.#held.length && upTo + this.#held[count]!.piece.length <= length)
      upTo += this.#held[count++]!.piece.length;
    // A token without text of its own belongs to the text that follows.
    if (upTo === length) while (count > 0 && this.#held[count - 1]!.piece === '') count--;
    this.#pending = this.#pending.slice(upTo);
    return this.#held.splice(0, count);
  }
}
