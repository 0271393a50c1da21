import type { Dropout } from '../bpe-dropout.ts';
import type { PairTable } from '../pair-table.ts';

/**
 * Merges `ids[0, symbols)` in place, where each merge whose turn comes is left out with a probability, until a neighbour changes, as
 * SentencePiece does (BPE-dropout, https://arxiv.org/abs/1910.13267); returns how many are left.
 * @param firsts receives for each that is left where its first part stood.
 */
export function mergeWithDropout(
  ids: Int32Array,
  symbols: number,
  pairs: PairTable,
  firsts: Int32Array,
  { rate, random }: Dropout,
): number {
  let count = symbols;
  /** Where the pair that begins at a symbol is in the table; −1: none, or left out. */
  const found: number[] = [];
  const look = (i: number): number => (i + 1 < count ? pairs.find(ids[i]!, ids[i + 1]!) : -1);
  for (let i = 0; i < count; i++) {
    firsts[i] = i;
    found.push(look(i));
  }
  for (;;) {
    let at = -1;
    for (let i = 0; i + 1 < count; i++)
      if (found[i]! >= 0 && (at < 0 || pairs.rank(found[i]!) < pairs.rank(found[at]!))) at = i;
    if (at < 0) return count;
    if (random() < rate) {
      found[at] = -1;
      continue;
    }
    ids[at] = pairs.merged(found[at]!);
    ids.copyWithin(at + 1, at + 2, count);
    firsts.copyWithin(at + 1, at + 2, count);
    found.splice(at + 1, 1);
    count--;
    if (at > 0) found[at - 1] = look(at - 1);
    found[at] = look(at);
  }
}
