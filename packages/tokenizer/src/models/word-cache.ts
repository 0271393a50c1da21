import { IdBuffer } from '../id-buffer.ts';
import { hashOf } from './token-table.ts';

interface CachedWord {
  readonly bytes: Uint8Array;
  readonly ids: Int32Array;
  readonly ends: Int32Array;
}

const SLOTS = 2 ** 14;
const LONGEST = 32;
const scratch = new IdBuffer();

/** The ids of short words that were seen lately: one word per slot of a hash table, compared exactly. */
export class WordCache {
  readonly #slots: (CachedWord | undefined)[] = new Array(SLOTS);

  /**
   * Appends the ids of a word.
   * @param make appends them where the word is not known.
   */
  encode(
    bytes: Uint8Array,
    start: number,
    end: number,
    ids: IdBuffer,
    ends: IdBuffer | undefined,
    make: (ids: IdBuffer, ends: IdBuffer) => void,
  ): void {
    const short = end - start <= LONGEST;
    const slot = short ? hashOf(bytes, start, end) & (SLOTS - 1) : 0;
    const known = short ? this.#slots[slot] : undefined;
    if (known && sameBytes(known.bytes, bytes, start, end)) {
      for (let i = 0; i < known.ids.length; i++) {
        ids.push(known.ids[i]!);
        ends?.push(start + known.ends[i]!);
      }
      return;
    }
    const stops = ends ?? scratch;
    const [first, firstStop] = [ids.length, stops.length];
    make(ids, stops);
    if (short)
      this.#slots[slot] = {
        bytes: bytes.slice(start, end),
        ids: ids.values.slice(first, ids.length),
        ends: stops.values.slice(firstStop, stops.length).map((stop) => stop - start),
      };
    scratch.clear();
  }
}

function sameBytes(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
