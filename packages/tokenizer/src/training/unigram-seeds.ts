import { grown, PairCounts } from './pair-counts.ts';
import type { UnigramWords } from './unigram-words.ts';

/** Substrings of the words: where in `ids` each has an occurrence, how long it is and how often it occurs. */
export interface Pieces {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly counts: Float64Array;
}

/** A substring of this or a lower frequency is no candidate. */
const RARE = 1;

/**
 * The candidates to begin with: every character, and of the substrings of one script that occur twice and are not always
 * followed by the same character those that cover most text. Longer ones are counted from shorter ones: a substring is
 * frequent only if what it begins with is. Yields the length that it is at.
 */
export function* seedPieces(words: UnigramWords, longest: number, most: number): Generator<number, Pieces> {
  const { ids, starts, counts, scripts } = words;
  const found: { at: number; length: number; count: number }[] = [];
  /** Per position the number of the substring of the length so far that begins there, or −1; and per number its count. */
  let current = ids.slice();
  let known: Float64Array = words.frequencies;
  let firsts: Int32Array = new Int32Array(known.length);
  /** Per position the script of the substring that begins there. */
  const script = Int32Array.from(ids, (id) => scripts[id]!);
  for (let length = 2; length <= longest + 1; length++) {
    const pairs = new PairCounts();
    const next = new Int32Array(ids.length).fill(-1);
    let places: Int32Array<ArrayBuffer> = new Int32Array(1024);
    for (let word = 0; word < counts.length; word++) {
      const count = counts[word]!;
      const last = starts[word + 1]! - length;
      for (let at = starts[word]!; at <= last; at++) {
        const before = current[at]!;
        if (before < 0) continue;
        const id = ids[at + length - 1]!;
        const own = scripts[id]!;
        if (script[at]! < 0) script[at] = own;
        else if (own >= 0 && own !== script[at]) continue;
        const number = pairs.numberOf(before, id);
        pairs.counts[number]! += count;
        places = grown(places, number + 1);
        places[number] = at;
        next[at] = number;
      }
      if (word % 4096 === 4095) yield length;
    }
    const branching = new Uint8Array(known.length).fill(1);
    for (let number = 0; number < pairs.size; number++)
      if (pairs.counts[number] === known[pairs.left[number]!]) branching[pairs.left[number]!] = 0;
    if (length > 2)
      for (let number = 0; number < known.length; number++)
        if (branching[number] === 1 && known[number]! > RARE)
          found.push({ at: firsts[number]!, length: length - 1, count: known[number]! });
    known = pairs.counts.slice(0, pairs.size);
    firsts = places;
    for (let at = 0; at < next.length; at++) if (next[at]! >= 0 && known[next[at]!]! <= RARE) next[at] = -1;
    current = next;
    yield length;
    if (pairs.size === 0) break;
  }
  found.sort((a, b) => b.count * b.length - a.count * a.length || a.length - b.length || a.at - b.at);
  found.length = Math.min(found.length, Math.max(0, most - words.alphabet.length));
  const places = new Int32Array(words.alphabet.length);
  for (let at = 0; at < ids.length; at++) places[ids[at]!] = at;
  return {
    starts: Int32Array.from([...places, ...found.map(({ at }) => at)]),
    lengths: Int32Array.from([...places.fill(1), ...found.map(({ length }) => length)]),
    counts: Float64Array.from([...words.frequencies, ...found.map(({ count }) => count)]),
  };
}
