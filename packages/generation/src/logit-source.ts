import type { DecodingSession, Peaks } from './language-model.ts';
import { peaksOf } from './scores.ts';

/** Guesses the next tokens after the made ones; may give fewer than `count`, or none. */
export interface Drafter {
  readonly most: number;
  draft(made: readonly number[], count: number): Promise<readonly number[]>;
  dispose(): void;
}

/**
 * The logits after each token of one sequence, with guesses fed ahead: as long as the chosen tokens are the guessed ones, their
 * logits are there already. Whatever is chosen from them is chosen as without guesses, so the text is the same.
 */
export class GuessingSource {
  readonly #session: DecodingSession & Required<Pick<DecodingSession, 'stepMany' | 'rewind'>>;
  readonly #drafter: Drafter;
  readonly #vocabSize: number;
  #guesses: readonly number[] = [];
  #logits: Float32Array = new Float32Array(0);
  #peaks: Peaks | undefined;
  #used = 0;
  /** Guesses made, and those that were right. */
  readonly counts: { guessed: number; right: number } = { guessed: 0, right: 0 };

  /** @throws TypeError where the session cannot feed several tokens or take them back. */
  constructor(session: DecodingSession, drafter: Drafter, vocabSize: number) {
    if (!canRewind(session))
      throw new TypeError('guessed tokens need a model whose sessions have stepMany() and rewind(); this one has not');
    this.#session = session;
    this.#drafter = drafter;
    this.#vocabSize = vocabSize;
  }

  /** The logits after all `made` tokens, of which at most `left` more are wanted; valid until the next call. */
  async next(made: readonly number[], left: number): Promise<Float32Array> {
    const last = made.at(-1) ?? this.#session.firstToken;
    if (made.length > 0 && this.#used < this.#guesses.length) {
      if (this.#guesses[this.#used] === last) {
        this.counts.right++;
        this.#used++;
        return this.#row();
      }
      this.#session.rewind(this.#guesses.length - this.#used);
    }
    const count = Math.min(this.#drafter.most, left - 1);
    this.#guesses = count > 0 ? [...(await this.#drafter.draft(made, count))].slice(0, count) : [];
    this.counts.guessed += this.#guesses.length;
    this.#used = 0;
    this.#logits = await this.#session.stepMany([last, ...this.#guesses]);
    this.#peaks = this.#session.peaks;
    return this.#row();
  }

  /** What the model found in the logits that `next` gave last. */
  get peaks(): Peaks | undefined {
    return peaksOf(this.#peaks, this.#used, this.#used + 1);
  }

  #row(): Float32Array {
    return this.#logits.subarray(this.#used * this.#vocabSize, (this.#used + 1) * this.#vocabSize);
  }
}

function canRewind(
  session: DecodingSession,
): session is DecodingSession & Required<Pick<DecodingSession, 'stepMany' | 'rewind'>> {
  return session.stepMany !== undefined && session.rewind !== undefined;
}
