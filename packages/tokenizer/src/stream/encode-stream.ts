import { AddedTokenMatcher } from '../added-tokens.ts';
import type { TemplatePart } from '../post-processors/index.ts';
import { SentencePiece } from '../sentencepiece/model.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { EncodeOptions, TokenizerParts } from '../tokenizer-options.ts';
import { Cuts, refuse } from './cuts.ts';
import { continuing } from './normal.ts';
import { SentencePieceParts } from './sentencepiece-parts.ts';

/** Gives ids as soon as what follows cannot change them. */
export interface EncodeStream {
  /** The ids that this part of the text, cut anywhere, settles; often none. */
  push(text: string): Int32Array;
  /** The ids of what is left. */
  end(): Int32Array;
}

const NONE = new Int32Array(0);

/**
 * Encodes a text in parts. What is not settled is held back: as a rule the last word, at most the longest stretch without a
 * blank, line feed or punctuation behind a letter.
 * @param template what stands around a text.
 * @param make makes a tokenizer, for text that goes on.
 * @throws RangeError for a tokenizer whose ids depend on text that is arbitrarily far away; it names the part.
 */
export function encodeStream(
  tokenizer: Tokenizer,
  template: readonly TemplatePart[],
  make: (parts: TokenizerParts) => Tokenizer,
  options: EncodeOptions,
): EncodeStream {
  const place = template.findIndex((part) => 'sequence' in part);
  if ((options.dropout ?? 0) !== 0) throw new RangeError('dropout: a text in parts is encoded without; set it to 0');
  if (tokenizer.truncation) refuse('truncation', 'cuts a text by its number of tokens');
  if (template.filter((part) => 'sequence' in part).length !== 1) refuse('post_processor', 'does not have one text');
  const addSpecial = options.addSpecialTokens !== false;
  const around = (parts: readonly TemplatePart[]): number[] =>
    addSpecial ? parts.flatMap((part) => ('ids' in part ? part.ids : [])) : [];
  const { model, addedTokens } = tokenizer;
  const whole = model instanceof SentencePiece && addedTokens.length === 0 ? new SentencePieceParts(model) : null;
  const cuts = whole ?? new Cuts(tokenizer);
  const parts = whole ?? new Parts(tokenizer, make, options);
  let before: readonly number[] = around(template.slice(0, place));
  const after = around(template.slice(place + 1));
  /** Text in which there is no cut, and text behind it that has to be looked at, or that a look goes back to. */
  let held: string[] = [];
  let tail = '';
  let seen = 0;
  let ended = false;
  const settle = (text: string, last: readonly number[] = []): Int32Array => {
    const ids = parts.encode(text);
    if (before.length === 0 && last.length === 0) return ids;
    const all = Int32Array.from([...before, ...ids, ...last]);
    before = [];
    return all;
  };
  return {
    push(text) {
      if (ended) throw new Error('the stream has ended');
      tail += text;
      const limit = tail.length - cuts.ahead;
      const cut = cuts.last(tail, seen, limit);
      if (cut > 0) {
        const done = held.length > 0 ? held.join('') + tail.slice(0, cut) : tail.slice(0, cut);
        held = [];
        tail = tail.slice(cut);
        seen = Math.max(0, limit - cut);
        return settle(done);
      }
      seen = Math.max(seen, limit);
      if (seen > cuts.behind + HOLD) {
        held.push(tail.slice(0, seen - cuts.behind));
        tail = tail.slice(seen - cuts.behind);
        seen = cuts.behind;
      }
      return NONE;
    },
    end() {
      if (ended) throw new Error('the stream has ended');
      ended = true;
      return settle(held.join('') + tail, after);
    },
  };
}

/** Text without a cut is put aside in blocks of this size, so that joining them costs little. */
const HOLD = 4096;

/** Whether something is put before every text, or taken from its start. */
const changesStart = (spec: object | null): boolean => /"(?:Prepend|Strip)"/.test(JSON.stringify(spec));

/** Encodes the parts; those behind the first go on a text and get nothing put before them. */
class Parts {
  readonly #tokenizer: Tokenizer;
  readonly #options: EncodeOptions;
  readonly #later: Tokenizer | null;
  readonly #matcher: AddedTokenMatcher;
  readonly #special: ReadonlySet<string> | null;
  /** UTF-16 units that are done. */
  #done = 0;

  constructor(tokenizer: Tokenizer, make: (parts: TokenizerParts) => Tokenizer, options: EncodeOptions) {
    this.#tokenizer = tokenizer;
    this.#options = { ...options, addSpecialTokens: false };
    const raw = tokenizer.addedTokens.filter((token) => !token.normalized);
    this.#matcher = new AddedTokenMatcher(raw);
    const special = tokenizer.addedTokens.filter((token) => token.special).map((token) => token.content);
    this.#special = options.specialTokens === 'text' ? new Set(special) : null;
    if (!changesStart(tokenizer.normalizer)) {
      this.#later = null;
      return;
    }
    if (raw.length < tokenizer.addedTokens.length)
      refuse('normalizer', 'puts text before added tokens that are looked for in normalized text');
    const { model, preTokenizer, splitter } = tokenizer;
    const normalizer = continuing(tokenizer.normalizer);
    this.#later = make({ model, normalizer, preTokenizer, ...(splitter ? { splitter } : {}) });
  }

  encode(text: string): Int32Array {
    if (text === '') return NONE;
    const from = this.#done;
    this.#done += text.length;
    if (this.#options.specialTokens === 'refuse') this.#refuseSpecial(text, from);
    if (from === 0 || !this.#later) return this.#tokenizer.encode(text, this.#options);
    const start = this.#matcher.split(text.toWellFormed(), this.#special)[0]!;
    if (start.id >= 0) return this.#tokenizer.encode(text, this.#options);
    const head = this.#later.encode(text.slice(0, start.end), { addSpecialTokens: false });
    if (start.end === text.length) return head;
    return Int32Array.from([...head, ...this.#tokenizer.encode(text.slice(start.end), this.#options)]);
  }

  /** As the tokenizer does, but the place counts from where the whole text begins. */
  #refuseSpecial(text: string, from: number): void {
    for (const { start, id } of this.#matcher.split(text.toWellFormed())) {
      const token = this.#tokenizer.addedTokens.find((added) => added.id === id);
      if (token?.special)
        throw new RangeError(`the text contains the special token ${JSON.stringify(token.content)} at ${from + start}`);
    }
  }
}
