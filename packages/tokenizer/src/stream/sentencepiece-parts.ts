import { IdBuffer } from '../id-buffer.ts';
import type { SentencePiece } from '../sentencepiece/model.ts';
import { PIECE } from '../sentencepiece/model-file.ts';
import { classOf, NUMBER, UPPER } from '../unicode.ts';
import { refuse } from './cuts.ts';

/**
 * A SentencePiece model's text in parts, cut before blanks behind letters and numbers that its normalizer keeps: no piece reaches
 * over such a place. What is behind goes on with the sums of what was before, which rounding depends on.
 */
export class SentencePieceParts {
  readonly ahead: number = 0;
  readonly behind: number = 1;
  readonly #model: SentencePiece;
  readonly #ids = new IdBuffer();
  readonly #encoder = new TextEncoder();
  #begun = false;
  #score = 0;

  /** @throws RangeError where a piece or a rule reaches over blanks, or blanks are unknown. */
  constructor(model: SentencePiece) {
    const { pieces, treatWhitespaceAsSuffix, byteFallback, modelType } = model.file;
    if (modelType === 'word' && !byteFallback) refuse('model', 'joins unknown words that follow one another');
    if (modelType === 'bpe' && pieces.some(({ type }) => type === PIECE.unused))
      refuse('model', 'has unused pieces, whose parts depend on the whole text');
    if (treatWhitespaceAsSuffix) refuse('model', 'puts white space behind words');
    const across = pieces.find(({ piece, type }) => type !== PIECE.control && /[^▁ ][▁ ]/.test(piece));
    if (across) refuse('model', `has a piece that goes on behind a blank, ${JSON.stringify(across.piece)}`);
    if (model.rulesCrossBlanks) refuse('model', 'has a rule of its normalizer that goes on behind a blank');
    if (!byteFallback && model.tokenToId('▁') === undefined) refuse('model', 'has no piece for a blank');
    this.#model = model;
  }

  /** The last place for a cut in `[from, to)`, or −1. */
  last(text: string, from: number, to: number): number {
    for (let at = to - 1; at >= from && at > 0; at--)
      if (text.charCodeAt(at) === 0x20 && this.#fits(text.charCodeAt(at - 1))) return at;
    return -1;
  }

  #fits(code: number): boolean {
    const kind = classOf(code);
    return (kind >= UPPER || kind === NUMBER) && this.#model.keeps(String.fromCharCode(code));
  }

  encode(text: string): Int32Array {
    const bytes = this.#encoder.encode(text.toWellFormed());
    this.#ids.clear();
    this.#score = this.#model.encodePart(bytes, this.#begun, this.#score, this.#ids);
    this.#begun ||= text !== '';
    return this.#ids.toArray();
  }
}
