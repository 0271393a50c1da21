import type { Encoding } from './encoding.ts';
import type { IdBuffer } from './id-buffer.ts';

/** How many characters of white space a token has at its ends, as byte-level vocabularies write it. */
function blanksOf(token: string): { leading: number; trailing: number } {
  let leading = 0;
  while (leading < token.length && isBlank(token.charCodeAt(leading))) leading++;
  let trailing = 0;
  while (trailing < token.length && isBlank(token.charCodeAt(token.length - 1 - trailing))) trailing++;
  return { leading, trailing };
}

/** White space, and the stand-in of a blank. */
function isBlank(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code < 0x1680) return code === 0x120 || code === 0x85 || code === 0xa0;
  if (code >= 0x2000 && code <= 0x200a) return true;
  return code === 0x1680 || code === 0x2028 || code === 0x2029 || code === 0x202f || code === 0x205f || code === 0x3000;
}

/** Takes white space at the ends of tokens out of their offsets. */
export function trimOffsets(e: Encoding, addPrefixSpace: boolean): void {
  for (const part of e.overflowing) trimOffsets(part, addPrefixSpace);
  e.tokens.forEach((token, i) => {
    const { leading, trailing } = blanksOf(token);
    if (leading + trailing === 0) return;
    const [start, end] = e.offsets[i]!;
    const kept = addPrefixSpace && (i === 0 || start === 0) ? 1 : 0;
    const from = trimmedStart(start, end, leading - kept);
    e.offsets[i] = [from, trimmedEnd(from, end, trailing)];
  });
}

const trimmedStart = (start: number, end: number, leading: number): number =>
  leading > 0 ? Math.min(start + leading, end) : start;

const trimmedEnd = (start: number, end: number, trailing: number): number =>
  trailing > 0 && end >= trailing ? Math.max(end - trailing, start) : end;

/** White space at the ends of tokens, by id: each token is looked at once. */
export class TokenBlanks {
  readonly #tokenOf: (id: number) => string;
  /** Id → leading and trailing characters plus one, in 16 bits each; 0 where nobody asked yet. */
  #known: Int32Array = new Int32Array(0);

  constructor(tokenOf: (id: number) => string) {
    this.#tokenOf = tokenOf;
  }

  /** `trimOffsets` for the ids from `first` on, which have two offsets each. */
  trim(ids: IdBuffer, offsets: IdBuffer, first: number, addPrefixSpace: boolean): void {
    const { values } = offsets;
    for (let i = first; i < ids.length; i++) {
      const blanks = this.#blanksOf(ids.values[i]!);
      if (blanks === NO_BLANKS) continue;
      const start = values[2 * i]!;
      const end = values[2 * i + 1]!;
      const kept = addPrefixSpace && (i === first || start === 0) ? 1 : 0;
      const from = trimmedStart(start, end, (blanks >>> 16) - 1 - kept);
      values[2 * i] = from;
      values[2 * i + 1] = trimmedEnd(from, end, (blanks & 0xffff) - 1);
    }
  }

  #blanksOf(id: number): number {
    const known = this.#known[id];
    if (known !== undefined && known !== 0) return known;
    if (known === undefined) {
      const grown = new Int32Array(2 * id + 1024);
      grown.set(this.#known);
      this.#known = grown;
    }
    const { leading, trailing } = blanksOf(this.#tokenOf(id));
    const blanks = ((Math.min(leading, 0x7ffe) + 1) << 16) | (Math.min(trailing, 0xfffe) + 1);
    this.#known[id] = blanks;
    return blanks;
  }
}

const NO_BLANKS = 0x10001;
