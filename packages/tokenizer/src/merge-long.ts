import type { PairTable } from './pair-table.ts';

/**
 * Merges `ids[0, count)` in place, best pair first and the leftmost among equals; returns how many are left. Places wait in one
 * list per rank and only the ranks stand in a heap, so that a run of one character costs linear time.
 * @param firsts When given, receives for each that is left where its first part stood.
 */
export function mergeLong(ids: Int32Array, count: number, pairs: PairTable, firsts?: Int32Array): number {
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  /** Where the pair that begins at a place is in the table, −1 for none: tells outdated entries. */
  const pairOf = new Int32Array(count).fill(-1);
  const lists = new Map<number, PlaceList>();
  const heap: number[] = [];
  for (let i = 0; i < count; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }

  const offer = (place: number): void => {
    const after = next[place]!;
    const pair = after < count ? pairs.find(ids[place]!, ids[after]!) : -1;
    pairOf[place] = pair;
    if (pair < 0) return;
    const rank = pairs.rank(pair);
    let list = lists.get(rank);
    if (!list) {
      list = new PlaceList();
      lists.set(rank, list);
      pushHeap(heap, rank);
    }
    list.push(place);
  };

  for (let i = 0; i + 1 < count; i++) offer(i);
  while (heap.length > 0) {
    const rank = popHeap(heap);
    const list = lists.get(rank)!;
    // A better pair may come up on the way: the rest of the list then waits behind it.
    let better = false;
    for (let place = list.take(); place >= 0; place = better ? -1 : list.take()) {
      const pair = pairOf[place]!;
      if (pair < 0 || pairs.rank(pair) !== rank) continue;
      const gone = next[place]!;
      const after = next[gone]!;
      ids[place] = pairs.merged(pair);
      pairOf[gone] = -1;
      next[place] = after;
      if (after < count) previous[after] = place;
      if (previous[place]! >= 0) offer(previous[place]!);
      offer(place);
      better = heap.length > 0 && heap[0]! < rank;
    }
    if (better) pushHeap(heap, rank);
    else lists.delete(rank);
  }
  let left = 0;
  for (let i = 0; i < count; i = next[i]!) {
    if (firsts) firsts[left] = i;
    ids[left++] = ids[i]!;
  }
  return left;
}

/** Places in the text that share a rank, given out from left to right; a place may come twice. */
class PlaceList {
  #places: Int32Array = new Int32Array(4);
  #first = 0;
  #length = 0;
  #ordered = true;

  push(place: number): void {
    if (this.#length === this.#places.length) {
      const grown = new Int32Array(2 * this.#length);
      grown.set(this.#places);
      this.#places = grown;
    }
    if (this.#length > this.#first && this.#places[this.#length - 1]! > place) this.#ordered = false;
    this.#places[this.#length++] = place;
  }

  /** The leftmost place, or −1 when none is left. */
  take(): number {
    if (!this.#ordered) this.#places.subarray(this.#first, this.#length).sort();
    this.#ordered = true;
    return this.#first < this.#length ? this.#places[this.#first++]! : -1;
  }
}

function pushHeap(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = value;
}

/** Takes the smallest out. */
function popHeap(heap: number[]): number {
  const top = heap[0]!;
  const value = heap.pop()!;
  const { length } = heap;
  if (length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= length) break;
    if (child + 1 < length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
  return top;
}
