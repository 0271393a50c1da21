import { type AddedToken, AddedTokenMatcher } from './added-tokens.ts';
import { Normalized } from './normalized.ts';
import type { Normalizer } from './normalizers/index.ts';
import type { PreTokenizer } from './pre-tokenizers/index.ts';
import type { EncodeOptions } from './tokenizer-options.ts';

/** A stretch of text between added tokens, or (id ≥ 0) an added token. */
export interface Piece {
  readonly text: Normalized;
  readonly id: number;
}

export interface TextPiecesParts {
  readonly addedTokens: readonly AddedToken[];
  readonly normalize: Normalizer | null;
  readonly split: PreTokenizer | null;
  /** Whether the pre-tokenizer asks where in the text a normalized piece begins. */
  readonly asksForOrigin: boolean;
}

/** What is left of the stages before the model where that takes texts by a way of its own. */
export interface Shortcut {
  /** It normalizes too. */
  readonly normalizes: boolean;
}

/** The stages before the model: a text is taken apart at added tokens, normalized and split. */
export class TextPieces {
  readonly #normalize: Normalizer | null;
  readonly #split: PreTokenizer | null;
  readonly #asksForOrigin: boolean;
  readonly #raw: AddedTokenMatcher;
  readonly #normalized: AddedTokenMatcher;
  /** Contents of special tokens, and their tokens by id. */
  readonly #special = new Set<string>();
  readonly #contents = new Map<number, string>();

  constructor({ addedTokens, normalize, split, asksForOrigin }: TextPiecesParts) {
    this.#normalize = normalize;
    this.#split = split;
    this.#asksForOrigin = asksForOrigin;
    for (const token of addedTokens) {
      this.#contents.set(token.id, token.content);
      if (token.special) this.#special.add(token.content);
    }
    this.#raw = new AddedTokenMatcher(addedTokens.filter((token) => !token.normalized));
    this.#normalized = new AddedTokenMatcher(
      addedTokens
        .filter((token) => token.normalized)
        .map((token) => ({ ...token, content: this.#normalizedText(token.content) })),
    );
  }

  #normalizedText(content: string): string {
    const text = Normalized.of(content, 0, false);
    this.#normalize?.(text);
    return text.text;
  }

  /**
   * What the model and the added tokens get of a text; lone surrogates count as U+FFFD.
   * @param track whether the pieces have to tell where each of their units comes from.
   * @param shortcut where the model splits texts itself.
   * @throws RangeError for a special token where these are refused.
   */
  of(source: string, track: boolean, { specialTokens = 'allow' }: EncodeOptions, shortcut: Shortcut | null): Piece[] {
    const text = source.isWellFormed() ? source : source.toWellFormed();
    const pieces: Piece[] = [];
    const skip = specialTokens === 'text' ? this.#special : null;
    const take = (matcher: AddedTokenMatcher, all: Normalized, rest: (part: Normalized) => void): void => {
      for (const { start, end, id } of matcher.split(all.text, skip)) {
        const part = all.slice(start, end);
        if (id < 0) rest(part);
        else pieces.push({ text: part, id });
        if (id >= 0 && specialTokens === 'refuse' && this.#special.has(this.#contents.get(id)!))
          throw new RangeError(
            `the text contains the special token ${JSON.stringify(this.#contents.get(id))} at ${start}`,
          );
      }
    };
    take(this.#raw, Normalized.of(text, 0, track || this.#asksForOrigin), (raw) => {
      if (!shortcut?.normalizes) this.#normalize?.(raw);
      take(this.#normalized, raw, (part) => {
        if (!this.#split || shortcut) pieces.push({ text: part, id: -1 });
        else for (const piece of this.#split(part)) if (piece.text !== '') pieces.push({ text: piece, id: -1 });
      });
    });
    return pieces;
  }
}
