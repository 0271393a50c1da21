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

let decoded: Uint8Array | undefined;

/** Code point → class, pinned to the Unicode version of the references (tools/unicode/generate.mjs); decoded on first use. */
export function classTable(): Uint8Array {
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
