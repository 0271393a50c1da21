import type { OperatorFunction } from 'rxjs';
import { ItemError } from './item-error.ts';
import { pullOperator } from './pull.ts';

/** What these operators need of a tokenizer; `Tokenizer` of @rivulet/tokenizer has it. */
export interface TextTokenizer {
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
  decodeStream(): { push(id: number): string; end(): string };
}

/** A text and its ids. */
export interface TokenizedText {
  /** The item's number, from 0. */
  readonly index: number;
  readonly text: string;
  readonly ids: Int32Array;
}

/**
 * Texts to ids, numbered from 0. Window: 1.
 *
 *     source:    --"a"--"b"--|
 *     tokenize:  --{0}--{1}--|
 */
export function tokenize(tokenizer: TextTokenizer): OperatorFunction<string, TokenizedText> {
  return pullOperator(
    async function* (source) {
      let index = 0;
      for await (const text of source) {
        let ids: Int32Array;
        try {
          ids = tokenizer.encode(text);
        } catch (error) {
          throw new ItemError(index, text, error);
        }
        yield { index, text, ids };
        index++;
      }
    },
    { window: 1, tokens: ({ ids }) => ids.length },
  );
}
