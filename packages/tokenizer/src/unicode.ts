import { runs } from './unicode-table.ts';

/** Classes of characters that split patterns tell apart; letters are those from UPPER on. */
export const OTHER = 0;
/** \p{N} */
export const NUMBER = 1;
/** White_Space: JavaScript's \s differs in U+0085 and U+FEFF. */
export const SPACE = 2;
/** \p{M} */
export const MARK = 3;
/** \p{Lu} and \p{Lt} */
export const UPPER = 4;
/** \p{Ll} */
export const LOWER = 5;
/** \p{Lm} and \p{Lo} */
export const OTHER_LETTER = 6;

let decoded: Uint8Array<ArrayBuffer> | undefined;

/** Code point → class, pinned to the Unicode version of the references (tools/unicode/generate.mjs); decoded on first use. */
export function classTable(): Uint8Array<ArrayBuffer> {
  if (decoded) return decoded;
  const table = new Uint8Array(0x110000);
  let at = 0;
  for (let i = 0; i < runs.length; ) {
    let value = 0;
    for (let shift = 0, more = true; more; shift += 5) {
      const digit = digitOf(runs.charCodeAt(i++));
      value += (digit & 31) * 2 ** shift;
      more = digit >= 32;
    }
    const kind = value & 7;
    const length = Math.floor(value / 8) + 1;
    if (kind < 7) {
      table.fill(kind, at, at + length);
      at += length;
      continue;
    }
    // 7 stands for pairs of an upper and a lower-case letter
    for (const end = at + 2 * length; at < end; at += 2) {
      table[at] = UPPER;
      table[at + 1] = LOWER;
    }
  }
  decoded = table;
  return table;
}

const PAGE = 256;
let paged: { readonly pages: Uint8Array; readonly index: Uint8Array } | undefined;

/** The same in pages of 256 code points: `pages` has each different one once, `index` says which one a code point's is. */
export function classPages(): { readonly pages: Uint8Array; readonly index: Uint8Array } {
  if (paged) return paged;
  const table = classTable();
  const index = new Uint8Array(table.length / PAGE);
  /** Four classes a number, so that pages are quick to compare. */
  const numbers = new Int32Array(table.buffer);
  const size = PAGE / 4;
  /** The numbers of pages by their sums. */
  const known = new Map<number, number[]>();
  const firsts: number[] = [];
  for (let i = 0; i < index.length; i++) {
    let sum = 0;
    for (let at = size * i; at < size * (i + 1); at++) sum = (Math.imul(sum, 31) + numbers[at]!) | 0;
    const same = known.get(sum) ?? [];
    let number = same.find((page) => {
      for (let k = 0; k < size; k++) if (numbers[size * i + k] !== numbers[firsts[page]! / 4 + k]) return false;
      return true;
    });
    if (number === undefined) {
      number = firsts.push(PAGE * i) - 1;
      known.set(sum, [...same, number]);
    }
    index[i] = number;
  }
  const all = new Uint8Array(PAGE * firsts.length);
  for (const [i, first] of firsts.entries()) all.set(table.subarray(first, first + PAGE), PAGE * i);
  paged = { pages: all, index };
  return paged;
}

/** base64's alphabet. */
function digitOf(code: number): number {
  if (code >= 97) return code - 71;
  if (code >= 65) return code - 65;
  if (code >= 48) return code + 4;
  return code === 43 ? 62 : 63;
}

export function classOf(code: number): number {
  return classTable()[code]!;
}

export function isWhiteSpace(code: number): boolean {
  return classOf(code) === SPACE;
}
