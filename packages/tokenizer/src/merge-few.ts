import type { PairTable } from './pair-table.ts';

/** Up to this many parts, looking for the best pair again and again beats the lists of `mergeLong`. */
export const FEW = 64;

const found = new Int32Array(FEW);

/** `mergeLong` for up to `FEW` parts: merges `ids[0, length)` in place and returns how many are left. */
export function mergeFew(ids: Int32Array, length: number, pairs: PairTable): number {
  let count = length;
  for (let i = 0; i + 1 < count; i++) found[i] = pairs.find(ids[i]!, ids[i + 1]!);
  for (;;) {
    let at = -1;
    let best = 0x7fffffff;
    for (let i = 0; i + 1 < count; i++) {
      if (found[i]! < 0) continue;
      const rank = pairs.rank(found[i]!);
      if (rank < best) {
        best = rank;
        at = i;
      }
    }
    if (at < 0) return count;
    ids[at] = pairs.merged(found[at]!);
    count--;
    for (let i = at + 1; i < count; i++) {
      ids[i] = ids[i + 1]!;
      found[i] = found[i + 1]!;
    }
    if (at > 0) found[at - 1] = pairs.find(ids[at - 1]!, ids[at]!);
    if (at + 1 < count) found[at] = pairs.find(ids[at]!, ids[at + 1]!);
  }
}
