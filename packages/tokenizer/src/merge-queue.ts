/** A binary heap of candidate merges, lowest rank first, leftmost first among equals. */
export interface MergeQueue {
  push(rank: number, at: number): void;
  /** Takes the best into `rank` and `at`; false when empty. */
  pop(): boolean;
  readonly rank: number;
  readonly at: number;
}

/** Keys are rank · 2^32 + position: one number, compared at once. */
const POSITION = 2 ** 32;

export function mergeQueue(capacity: number): MergeQueue {
  let heap = new Float64Array(Math.max(16, capacity));
  let size = 0;
  return {
    rank: 0,
    at: 0,
    push(rank, at) {
      if (size === heap.length) {
        const grown = new Float64Array(size * 2);
        grown.set(heap);
        heap = grown;
      }
      const key = rank * POSITION + at;
      let i = size++;
      while (i > 0) {
        const parent = (i - 1) >> 1;
        if (heap[parent]! <= key) break;
        heap[i] = heap[parent]!;
        i = parent;
      }
      heap[i] = key;
    },
    pop(this: { rank: number; at: number }) {
      if (size === 0) return false;
      const top = heap[0]!;
      this.rank = Math.floor(top / POSITION);
      this.at = top - this.rank * POSITION;
      const key = heap[--size]!;
      let i = 0;
      for (let child = 1; child < size; child = 2 * i + 1) {
        if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
        if (heap[child]! >= key) break;
        heap[i] = heap[child]!;
        i = child;
      }
      heap[i] = key;
      return true;
    },
  };
}
