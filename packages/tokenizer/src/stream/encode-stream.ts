import { AddedTokenMatcher } from '../added-tokens.ts';
import { Normalized } from '../normalized.ts';
import { readNormalizer } from '../normalizers/index.ts';
import type { TemplatePart } from '../post-processors/index.ts';
import type { EncodeOptions, Tokenizer, TokenizerParts } from '../tokenizer.ts';
import { classOf, NUMBER, UPPER } from '../unicode.ts';
import { continuing, normalizerCuts } from './normal.ts';
import { BLANK, LINE, PUNCTUATION, pieceCuts, STOP } from './pieces.ts';

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
  if (options.dropout !== undefined) throw new RangeError('dropout: a text in parts is encoded without');
  if (tokenizer.truncation) refuse('truncation', 'cuts a text by its number of tokens');
  if (template.filter((part) => 'sequence' in part).length !== 1) refuse('post_processor', 'does not have one text');
  const addSpecial = options.addSpecialTokens !== false;
  const around = (parts: readonly TemplatePart[]): number[] =>
    addSpecial ? parts.flatMap((part) => ('ids' in part ? part.ids : [])) : [];
  const cuts = new Cuts(tokenizer);
  const parts = new Parts(tokenizer, make, options);
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
        const whole = held.length > 0 ? held.join('') + tail.slice(0, cut) : tail.slice(0, cut);
        held = [];
        tail = tail.slice(cut);
        seen = Math.max(0, limit - cut);
        return settle(whole);
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

function refuse(part: string, why: string): never {
  throw new RangeError(`this tokenizer cannot encode a text in parts: its ${part} ${why}`);
}

/** Finds the places where a text may be cut. */
class Cuts {
  /** UTF-16 units behind a place, and before it, that have to be known. */
  readonly ahead: number;
  readonly behind: number;
  /** What may stand behind a cut → which kind of cut that is. */
  readonly #kinds = new Map<number, number>();
  readonly #lasts = new Map<number, number>();
  readonly #normalize: (text: string) => string;
  readonly #contents: readonly string[];
  readonly #longest: number;
  readonly #normalized: readonly string[];

  constructor(tokenizer: Tokenizer) {
    const spec = continuing(tokenizer.normalizer);
    const normalizer = spec && readNormalizer('normalizer', spec);
    this.#normalize = (text) => {
      if (!normalizer) return text;
      const normalized = Normalized.of(text, 0, false);
      normalizer(normalized);
      return normalized.text;
    };
    this.#contents = tokenizer.addedTokens.map(({ content }) => content).filter((content) => content !== '');
    const late = normalizer ? tokenizer.addedTokens.filter((token) => token.normalized) : [];
    this.#normalized = late.map((token) => this.#normalize(token.content)).filter((content) => content !== '');
    const longest = (texts: readonly string[]): number => texts.reduce((max, { length }) => Math.max(max, length), 0);
    const window = this.#normalized.length > 0 ? 2 * longest(this.#normalized) + 32 : 0;
    this.#longest = longest(this.#contents);
    this.ahead = Math.max(this.#longest, window);
    this.behind = this.ahead + 2;
    this.#findKinds(tokenizer);
  }

  #findKinds(tokenizer: Tokenizer): void {
    const between = (character: string): string | null => {
      const text = [...this.#normalize(`a${character}a`)];
      return text.length === 3 && text[0] === 'a' && text[2] === 'a' ? text[1]! : null;
    };
    const blank = between(' ');
    const allowed =
      normalizerCuts(tokenizer.normalizer) &
      pieceCuts(tokenizer.splitter, tokenizer.preTokenizer, tokenizer.model, blank ?? ' ');
    for (const character of [' ', '\n', ...PUNCTUATION]) {
      const now = between(character);
      if (now === null) continue;
      const kind = now === blank ? BLANK : now === '\n' ? LINE : PUNCTUATION.includes(now) ? STOP : 0;
      if ((kind & allowed) !== 0) this.#kinds.set(character.charCodeAt(0), kind);
    }
    if (this.#kinds.size > 0) return;
    if (normalizerCuts(tokenizer.normalizer) === 0) refuse('normalizer', 'may look at text that is far away');
    if (tokenizer.splitter || tokenizer.preTokenizer)
      refuse(tokenizer.splitter ? 'split pattern' : 'pre_tokenizer', 'may look at text that is far away');
    refuse('model', 'sees a text as a whole');
  }

  /** The last place for a cut in `[from, to)`, or −1. */
  last(text: string, from: number, to: number): number {
    for (let at = to - 1; at >= from && at > 0; at--) {
      const kind = this.#kinds.get(text.charCodeAt(at));
      if (kind !== undefined && this.#fits(text, at, kind)) return at;
    }
    return -1;
  }

  /** The last code point of what the normalizer makes of one; 0 for none. */
  #lastOf(code: number): number {
    let last = this.#lasts.get(code);
    if (last === undefined) {
      last = [...this.#normalize(String.fromCodePoint(code))].at(-1)?.codePointAt(0) ?? 0;
      if (this.#lasts.size > 10_000) this.#lasts.clear();
      this.#lasts.set(code, last);
    }
    return last;
  }

  #fits(text: string, at: number, kind: number): boolean {
    const low = text.charCodeAt(at - 1);
    const pair = low >= 0xdc00 && low <= 0xdfff && at > 1;
    const code = pair ? text.codePointAt(at - 2)! : low;
    if (!isSolid(code, kind) || !isSolid(this.#lastOf(code), kind)) return false;
    if (touches(text, at, this.#contents, this.#longest)) return false;
    if (this.#normalized.length === 0) return true;
    const reach = this.ahead;
    const start = Math.max(0, at - reach);
    const left = this.#normalize(text.slice(start, at));
    const right = this.#normalize(text.slice(at, at + reach));
    const enough = reach / 2 - 16;
    if ((start > 0 && left.length < enough) || right.length < enough) return false; // too much of it is gone to tell
    return !touches(left + right, left.length, this.#normalized, reach);
  }
}

/** Whether one of the contents, none longer than `longest`, stands in the text with the place inside it or at an end of it. */
function touches(text: string, at: number, contents: readonly string[], longest: number): boolean {
  const start = Math.max(0, at - longest);
  const near = text.slice(start, at + longest);
  return contents.some((content) => {
    const found = near.indexOf(content, at - start - content.length);
    return found >= 0 && found <= at - start;
  });
}

/** Letters and ASCII digits; before a blank also other numbers and ASCII symbols. */
function isSolid(code: number, kind: number): boolean {
  if (code < 0x80) {
    const word = (code >= 0x30 && code <= 0x39) || ((code | 32) >= 0x61 && (code | 32) <= 0x7a);
    return word || (kind === BLANK && code > 0x20 && code < 0x7f);
  }
  const own = classOf(code);
  return (own >= UPPER && !PREPENDED.has(code)) || (kind === BLANK && own === NUMBER);
}

/** Letters that make one grapheme with whatever follows. */
const PREPENDED: ReadonlySet<number> = new Set([
  0x0d4e, 0x111c2, 0x111c3, 0x1193f, 0x11941, 0x11a3a, 0x11a84, 0x11a85, 0x11a86, 0x11a87, 0x11a88, 0x11a89, 0x11d46,
  0x11f02,
]);

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
