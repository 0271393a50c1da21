/** Nodes are numbered in 24 bits, so that a node and a byte make one key. */
const NODES = 1 << 24;

/**
 * Tokens as a trie over their bytes. A token's node is its id, further nodes come behind all ids, and the edges stand in one
 * table with open addressing: made in one pass, and a step touches one place in memory.
 */
export class TokenTrie {
  /** Two bytes → the node below both, −1 for none. */
  readonly #pairs: Int32Array = new Int32Array(65_536).fill(-1);
  /** Byte → node, −1 for none. */
  readonly #bytes: Int32Array = new Int32Array(256).fill(-1);
  /** Two numbers a slot: node and byte (−1 where free), the node that they lead to. */
  #edges: Int32Array;
  #shift: number;
  #edgeCount = 0;
  readonly #count: number;
  /** Id → the longest token that begins it and is shorter, −1 for none. */
  readonly prefixes: Int32Array;
  /** Ids whose bytes belong to a lower id too. */
  readonly hidden: number[] = [];

  /**
   * @param offsets id → where its bytes begin in `arena`; one entry more than ids.
   * Of tokens with the same bytes the lowest id counts.
   */
  constructor(arena: Uint8Array, offsets: Int32Array) {
    const count = offsets.length - 1;
    if (arena.length + count >= NODES)
      throw new RangeError(`expected tokens of fewer than ${NODES - count} bytes in all, got ${arena.length}`);
    this.#count = count;
    this.prefixes = new Int32Array(count).fill(-1);
    // As a rule half of the bytes are edges of their own.
    const bits = Math.max(10, Math.ceil(Math.log2(arena.length + 1)));
    this.#shift = 32 - bits;
    this.#edges = new Int32Array(2 << bits).fill(-1);
    let next = count;
    // The shorter come first: what a longer one passes on its way is final.
    for (const id of byLength(offsets)) {
      const start = offsets[id]!;
      const end = offsets[id + 1]!;
      let node = -1;
      let prefix = -1;
      let made = -1;
      for (let at = start; at < end; at++) {
        const byte = arena[at]!;
        const below = at === start ? this.#bytes[byte]! : this.step(node, byte);
        if (below >= 0) {
          node = below;
          if (node < count && at + 1 < end) prefix = node;
          continue;
        }
        made = at + 1 === end ? id : next++;
        if (at === start) this.#bytes[byte] = made;
        else this.#add(node, byte, made);
        if (at === start + 1) this.#pairs[(arena[start]! << 8) | byte] = made;
        node = made;
      }
      if (made !== id) this.hidden.push(id);
      this.prefixes[id] = prefix;
    }
  }

  /** The node that a byte leads to, −1 for none. */
  step(node: number, byte: number): number {
    const edges = this.#edges;
    const key = (node << 8) | byte;
    const mask = edges.length - 1;
    for (let at = (Math.imul(key, 0x9e3779b1) >>> this.#shift) << 1; ; at = (at + 2) & mask) {
      const found = edges[at]!;
      if (found === key) return edges[at + 1]!;
      if (found === -1) return -1;
    }
  }

  /** The longest token that `[start, end)` begins with, −1 for none. */
  longest(bytes: Uint8Array, start: number, end: number): number {
    const count = this.#count;
    const first = this.#bytes[bytes[start]!]!;
    let found = first < count ? first : -1;
    if (start + 1 >= end) return found;
    let node = this.#pairs[(bytes[start]! << 8) | bytes[start + 1]!]!;
    if (node < 0) return found;
    if (node < count) found = node;
    const edges = this.#edges;
    const mask = edges.length - 1;
    const shift = this.#shift;
    for (let at = start + 2; at < end; at++) {
      const key = (node << 8) | bytes[at]!;
      let slot = (Math.imul(key, 0x9e3779b1) >>> shift) << 1;
      while (edges[slot] !== key) {
        if (edges[slot] === -1) return found;
        slot = (slot + 2) & mask;
      }
      node = edges[slot + 1]!;
      if (node < count) found = node;
    }
    return found;
  }

  /** The token that these bytes are, −1 for none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return -1;
    let node = this.#bytes[bytes[start]!]!;
    for (let at = start + 1; at < end && node >= 0; at++) node = this.step(node, bytes[at]!);
    return node < this.#count ? node : -1;
  }

  #add(node: number, byte: number, below: number): void {
    if (2 * ++this.#edgeCount > this.#edges.length / 2) this.#grow();
    this.#put((node << 8) | byte, below);
  }

  #put(key: number, below: number): void {
    const edges = this.#edges;
    let at = (Math.imul(key, 0x9e3779b1) >>> this.#shift) << 1;
    while (edges[at] !== -1) at = (at + 2) & (edges.length - 1);
    edges[at] = key;
    edges[at + 1] = below;
  }

  #grow(): void {
    const old = this.#edges;
    this.#edges = new Int32Array(2 * old.length).fill(-1);
    this.#shift--;
    for (let at = 0; at < old.length; at += 2) if (old[at] !== -1) this.#put(old[at]!, old[at + 1]!);
  }
}

/** Ids that have bytes, the shortest first, by id among equals. */
function byLength(offsets: Int32Array): Int32Array {
  const count = offsets.length - 1;
  let longest = 0;
  for (let id = 0; id < count; id++) longest = Math.max(longest, offsets[id + 1]! - offsets[id]!);
  const places = new Int32Array(longest + 2);
  for (let id = 0; id < count; id++) {
    const length = offsets[id + 1]! - offsets[id]!;
    if (length > 0) places[length + 1]!++;
  }
  for (let length = 1; length < places.length; length++) places[length]! += places[length - 1]!;
  const ids = new Int32Array(places[longest + 1]!);
  for (let id = 0; id < count; id++) {
    const length = offsets[id + 1]! - offsets[id]!;
    if (length > 0) ids[places[length]!++] = id;
  }
  return ids;
}
