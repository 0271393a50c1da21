import { mergeLong } from '../merge-long.ts';
import type { PairTable } from '../pair-table.ts';

/** Up to this many symbols looking for the best pair again and again beats lists by rank. */
const SHORT = 48;
const NONE = 0x7fffffff;
const found: Int32Array = new Int32Array(SHORT);
const ranks: Int32Array = new Int32Array(SHORT);

/**
 * Merges `ids[0, symbols)` in place, best pair first and the leftmost among equals; returns how many are left.
 * @param firsts receives for each that is left where its first part stood.
 */
export function mergeSymbols(ids: Int32Array, symbols: number, pairs: PairTable, firsts: Int32Array): number {
  if (symbols > SHORT) return mergeLong(ids, symbols, pairs, firsts);
  let count = symbols;
  const look = (i: number): void => {
    const at = i + 1 < count ? pairs.find(ids[i]!, ids[i + 1]!) : -1;
    found[i] = at;
    ranks[i] = at < 0 ? NONE : pairs.rank(at);
  };
  for (let i = 0; i < count; i++) {
    firsts[i] = i;
    look(i);
  }
  for (;;) {
    let best = NONE;
    let at = 0;
    for (let i = 0; i + 1 < count; i++)
      if (ranks[i]! < best) {
        best = ranks[i]!;
        at = i;
      }
    if (best === NONE) return count;
    ids[at] = pairs.merged(found[at]!);
    count--;
    for (let i = at + 1; i < count; i++) {
      ids[i] = ids[i + 1]!;
      firsts[i] = firsts[i + 1]!;
      found[i] = found[i + 1]!;
      ranks[i] = ranks[i + 1]!;
    }
    if (at > 0) look(at - 1);
    look(at);
  }
}
