import { allocate, type HostTensor } from '@rivulet/tensor';
import type { DecoderSizes } from './attention-context.ts';

interface Row {
  slot: number;
  length: number;
}

/** Positions that a cache has at first. */
const LEAST_CAPACITY = 64;

/**
 * Keys and values of the texts that a decoder is reading: per layer two tensors [slots, groups, capacity, headWidth], where a row
 * has one slot. They grow by doubling, and a part of them, some slots in a row, can be given to a run.
 */
export class KVCache {
  readonly #sizes: DecoderSizes;
  readonly #rows = new Map<number, Row>();
  #next = 0;
  #slots = 0;
  #capacity = 0;
  /** Keys and values of layer 0, of layer 1, … */
  #buffers: Float32Array[] = [];
  #views = new Map<string, readonly HostTensor[]>();

  constructor(sizes: DecoderSizes) {
    this.#sizes = sizes;
  }

  add(from?: number, length?: number): number {
    const row: Row = { slot: this.#freeSlot(), length: 0 };
    const id = this.#next++;
    this.#rows.set(id, row);
    if (from !== undefined) {
      const source = this.#row(from);
      row.length = Math.min(length ?? source.length, source.length);
      this.#copy(source.slot, row.slot, row.length);
    }
    return id;
  }

  remove(id: number): void {
    this.#rows.delete(id);
  }

  truncate(id: number, length: number): void {
    const row = this.#row(id);
    row.length = Math.min(row.length, length);
  }

  lengthOf(id: number): number {
    return this.#row(id).length;
  }

  slotOf(id: number): number {
    return this.#row(id).slot;
  }

  /** Makes room for `count` more tokens in a row, and one beyond. @throws RangeError where the context has no more. */
  reserve(id: number, count: number): void {
    const { contextLength } = this.#sizes;
    const needed = this.#row(id).length + count;
    if (needed > contextLength)
      throw new RangeError(`the text has ${needed} tokens; this model reads at most ${contextLength}`);
    let capacity = Math.max(LEAST_CAPACITY, this.#capacity);
    while (capacity < needed + 1) capacity *= 2; // a row that only stands in a batch with others needs one position too
    this.#resize(this.#slots, Math.min(capacity, contextLength + 1));
  }

  /** That many tokens were read into the row. */
  advance(id: number, count: number): void {
    this.#row(id).length += count;
  }

  /** Lengths of the rows in these slots; 0 where there is none. */
  lengths(first: number, count: number): number[] {
    const lengths = new Array<number>(count).fill(0);
    for (const { slot, length } of this.#rows.values())
      if (slot >= first && slot < first + count) lengths[slot - first] = length;
    return lengths;
  }

  /** Keys and values of all layers in these slots, as the tensors of one run. */
  view(first: number, count: number): readonly HostTensor[] {
    const key = `${first}+${count}`;
    const known = this.#views.get(key);
    if (known) return known;
    const { groups, headWidth } = this.#sizes;
    const size = groups * this.#capacity * headWidth;
    const dims = [count, groups, this.#capacity, headWidth];
    const view = this.#buffers.map((buffer): HostTensor => {
      return { dtype: 'float32', dims, data: buffer.subarray(first * size, (first + count) * size) };
    });
    this.#views.set(key, view);
    return view;
  }

  /** Moves rows so that these lie in slots next to one another. */
  gather(ids: readonly number[]): void {
    const wanted = new Set(ids);
    const slots = ids.map((id) => this.slotOf(id)).sort((a, b) => a - b);
    const first = Math.min(slots[0]!, this.#slots - ids.length);
    const others = new Map([...this.#rows].filter(([id]) => !wanted.has(id)).map(([, row]) => [row.slot, row]));
    const taken = new Set(slots);
    const holes = Array.from(ids, (_, i) => first + i).filter((slot) => !taken.has(slot));
    const outside = ids.map((id) => this.#row(id)).filter(({ slot }) => slot < first || slot >= first + ids.length);
    for (const [i, row] of outside.entries()) {
      const hole = holes[i]!;
      const other = others.get(hole);
      if (other) this.#swap(row, other);
      else {
        this.#copy(row.slot, hole, row.length);
        row.slot = hole;
      }
    }
  }

  #row(id: number): Row {
    const row = this.#rows.get(id);
    if (!row) throw new RangeError(`the cache has no row ${id}`);
    return row;
  }

  #freeSlot(): number {
    const taken = new Set([...this.#rows.values()].map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    if (slot >= this.#slots) this.#resize(Math.max(1, 2 * this.#slots), Math.max(LEAST_CAPACITY, this.#capacity));
    return slot;
  }

  #resize(slots: number, capacity: number): void {
    if (slots === this.#slots && capacity === this.#capacity) return;
    const { layers, groups, headWidth } = this.#sizes;
    const [before, had] = [this.#buffers, this.#capacity];
    this.#buffers = Array.from({ length: 2 * layers }, (_, i) => {
      const buffer = allocate('float32', slots * groups * capacity * headWidth) as Float32Array;
      for (const { slot, length } of before.length > 0 ? this.#rows.values() : [])
        for (let group = 0; group < groups; group++) {
          const from = (slot * groups + group) * had * headWidth;
          const to = (slot * groups + group) * capacity * headWidth;
          buffer.set(before[i]!.subarray(from, from + length * headWidth), to);
        }
      return buffer;
    });
    this.#slots = slots;
    this.#capacity = capacity;
    this.#views = new Map();
  }

  #copy(from: number, to: number, length: number): void {
    const { groups, headWidth } = this.#sizes;
    const size = this.#capacity * headWidth;
    for (const buffer of this.#buffers)
      for (let group = 0; group < groups; group++) {
        const begin = (from * groups + group) * size;
        buffer.copyWithin((to * groups + group) * size, begin, begin + length * headWidth);
      }
  }

  #swap(a: Row, b: Row): void {
    const { groups, headWidth } = this.#sizes;
    const size = this.#capacity * headWidth;
    const count = Math.max(a.length, b.length) * headWidth;
    for (const buffer of this.#buffers)
      for (let group = 0; group < groups; group++) {
        const [x, y] = [(a.slot * groups + group) * size, (b.slot * groups + group) * size];
        const kept = buffer.slice(x, x + count);
        buffer.copyWithin(x, y, y + count);
        buffer.set(kept, y);
      }
    [a.slot, b.slot] = [b.slot, a.slot];
  }
}
