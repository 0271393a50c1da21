import { type DoubleArray, longest } from '../double-array.ts';
import { MergeHeap } from '../merge-heap.ts';
import { compactBytes, sizeOfLead } from '../models/blanks.ts';
import type { Segment } from './bpe.ts';
import { PIECE, type SentencePieceFile } from './model-file.ts';
import type { UnitOptions } from './units.ts';

/**
 * Byte-pair encoding with unused pieces, as SentencePiece's C++ library does it: they take part in merging, and those that are left
 * come apart again. Into which two parts, the pair says that was found last, anywhere in the text; so this looks at a text as a whole
 * and remembers no words.
 */
export function unusedPiecesSegment(
  { pieces }: SentencePieceFile,
  { ids, unknown }: UnitOptions,
  own: DoubleArray | null,
): Segment {
  const known = new Map<string, { readonly id: number; readonly score: number; readonly unused: boolean }>();
  for (const [piece, id] of ids) {
    const { type, score } = pieces[id]!;
    known.set(spell(compactBytes(piece)), { id, score, unused: type === PIECE.unused });
  }
  return ({ bytes }, start, end, out, ends) => {
    /** Where each symbol ends; 0 where it has gone into the one before it. */
    const stops = new Int32Array(end - start);
    const next = new Int32Array(end - start).fill(-1);
    const previous = new Int32Array(end - start).fill(-1);
    const whole = new Uint8Array(end - start);
    for (let at = start, before = -1; at < end; ) {
      const size = own ? longest(own, bytes, at, end)[0] : 0;
      const symbol = at - start;
      whole[symbol] = size > 0 ? 1 : 0;
      at = Math.min(end, at + (size || sizeOfLead(bytes[at]!)));
      stops[symbol] = at;
      previous[symbol] = before;
      if (before >= 0) next[before] = symbol;
      before = symbol;
    }
    const heap = new MergeHeap();
    /** Left symbol, where the right one begins, and where it ends. */
    const pairs: number[] = [];
    /** Unused piece → the length of its left part. */
    const parts = new Map<string, number>();
    const offer = (left: number, right: number): void => {
      if (left < 0 || right < 0 || whole[left] === 1 || whole[right] === 1) return;
      const name = spell(bytes.subarray(start + left, stops[right]));
      const piece = known.get(name);
      if (!piece) return;
      heap.push(piece.score, left, pairs.length / 3);
      pairs.push(left, right, stops[right]!);
      if (piece.unused) parts.set(name, right - left);
    };
    for (let right = next[0] ?? -1; right >= 0; right = next[right]!) offer(previous[right]!, right);
    while (heap.size > 0) {
      const pair = 3 * heap.pop();
      const [left, right, stop] = [pairs[pair]!, pairs[pair + 1]!, pairs[pair + 2]!];
      if (stops[left] !== start + right || stops[right] !== stop) continue; // one of them has changed
      stops[left] = stop;
      stops[right] = 0;
      next[left] = next[right]!;
      if (next[left]! >= 0) previous[next[left]!] = left;
      offer(previous[left]!, left);
      offer(left, next[left]!);
    }
    let from = start;
    const flush = (at: number): void => {
      if (from < at) unknown(bytes, from, at, out, ends);
    };
    const put = (at: number, stop: number): void => {
      const name = spell(bytes.subarray(at, stop));
      const piece = known.get(name);
      const left = piece?.unused ? parts.get(name) : undefined;
      if (left !== undefined) {
        put(at, at + left);
        put(at + left, stop);
      } else if (piece) {
        flush(at);
        out.push(piece.id);
        ends?.push(stop);
        from = stop;
      }
    };
    for (let symbol = start < end ? 0 : -1; symbol >= 0; symbol = next[symbol]!) put(start + symbol, stops[symbol]!);
    flush(end);
    return 0;
  };
}

/** One character a byte, for looking up. */
function spell(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
