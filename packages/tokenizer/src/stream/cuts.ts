import { Normalized } from '../normalized.ts';
import { readNormalizer } from '../normalizers/index.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { classOf, NUMBER, UPPER } from '../unicode.ts';
import { continuing, normalizerCuts } from './normal.ts';
import { BLANK, LINE, PUNCTUATION, pieceCuts, STOP } from './pieces.ts';

/** @throws RangeError saying which part of a tokenizer is in the way. */
export function refuse(part: string, why: string): never {
  throw new RangeError(`this tokenizer cannot encode a text in parts: its ${part} ${why}`);
}

/** Finds the places where a text may be cut. */
export class Cuts {
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
    if (low >= 0xd800 && low <= 0xdfff && code <= 0xffff) return false; // half a pair, which counts as U+FFFD: no letter
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
