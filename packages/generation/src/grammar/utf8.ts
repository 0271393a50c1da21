import type { Range } from './expression.ts';

/** Sequences of byte ranges that spell a range of code points in UTF-8; surrogates have no spelling. */
export function utf8Ranges([from, to]: Range): Range[][] {
  const found: Range[][] = [];
  for (const [low, high] of [[0, 0x7f], [0x80, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xffff], [0x10000, 0x10ffff]] as const) // biome-ignore format: a table
    if (from <= high && to >= low) split(Math.max(from, low), Math.min(to, high), found);
  return found;
}

/** `from` and `to` are spelled with as many bytes. */
function split(from: number, to: number, found: Range[][]): void {
  const size = encode(from).length;
  for (let low = 1; low < size; low++) {
    const mask = 2 ** (6 * low) - 1; // the bits of the last `low` bytes
    if ((from & ~mask) === (to & ~mask)) continue;
    if ((from & mask) !== 0) {
      split(from, from | mask, found);
      split((from | mask) + 1, to, found);
      return;
    }
    if ((to & mask) !== mask) {
      split(from, (to & ~mask) - 1, found);
      split(to & ~mask, to, found);
      return;
    }
  }
  const last = encode(to);
  found.push(encode(from).map((byte, i): Range => [byte, last[i]!]));
}

function encode(code: number): number[] {
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 63)];
  if (code < 0x10000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
  return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
}
