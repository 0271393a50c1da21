/** Places are told in 24 bits, beside a byte. */
const PLACES = 1 << 24;
/** The kind of a node that has an array of places. */
const SPAN = 255;
/** From so many nodes below on, an array takes the place of a list where it is filled to a quarter. */
const MANY = 5;
/** Up to so many tokens are sorted by insertion. */
const FEW = 16;

/**
 * Tokens as a trie over their bytes, in one array in the order of a walk: most nodes have one node below, which stands right behind
 * them, so that the rest of a word is read from one stretch of memory.
 *
 * A node is its token (−1 for none) and a word whose lowest byte says what is below: 0 nothing; 1 one node, behind this one, for the
 * byte in bits 8 to 15; SPAN an array of places (0 for none) from the byte in bits 8 to 15 on to that in bits 16 to 23; any
 * other number so many words `place << 8 | byte`.
 */
export class TokenTrie {
  /** Two bytes → the place of the node below both, −1 for none. */
  readonly pairs: Int32Array = new Int32Array(65_536).fill(-1);
  /** Byte → token, −1 for none. */
  readonly bytes: Int32Array = new Int32Array(256).fill(-1);
  /** The nodes. */
  words: Int32Array;
  #size = 0;
  readonly #arena: Uint8Array;
  readonly #offsets: Int32Array;
  /** Id → the longest token that begins it and is shorter, −1 for none. */
  readonly prefixes: Int32Array;
  /** Ids whose bytes belong to a lower id too. */
  readonly hidden: number[] = [];

  /**
   * @param offsets id → where its bytes begin in `arena`; one entry more than ids.
   * Of tokens with the same bytes the lowest id counts.
   * @throws RangeError where they are too many for places of 24 bits.
   */
  constructor(arena: Uint8Array, offsets: Int32Array) {
    this.#arena = arena;
    this.#offsets = offsets;
    const count = offsets.length - 1;
    this.prefixes = new Int32Array(count).fill(-1);
    this.words = new Int32Array(arena.length + 256);
    const ids = new Int32Array(count);
    let size = 0;
    for (let id = 0; id < count; id++) if (offsets[id]! < offsets[id + 1]!) ids[size++] = id;
    this.#build(ids.subarray(0, size));
    this.words = this.words.slice(0, this.#size);
  }

  #build(ids: Int32Array): void {
    const arena = this.#arena;
    const offsets = this.#offsets;
    const keys = new Uint16Array(ids.length);
    const sort = (from: number, end: number, depth: number): void => {
      for (let i = from; i < end; i++) {
        const at = offsets[ids[i]!]! + depth;
        keys[i] = at < offsets[ids[i]! + 1]! ? arena[at]! + 1 : 0;
      }
      sortByKeys(ids, keys, from, end);
    };
    /** Groups of tokens that begin with the same bytes: first, end, how many bytes, prefix; the word that waits for the place, its shift. */
    const waiting: number[] = [];
    sort(0, ids.length, 0);
    const firsts: number[] = [];
    for (let i = 0; i < ids.length; i++) if (i === 0 || keys[i] !== keys[i - 1]) firsts.push(i, keys[i]! - 1);
    for (let i = firsts.length - 2; i >= 0; i -= 2) {
      const byte = firsts[i + 1]!;
      let from = firsts[i]!;
      let end = firsts[i + 2] ?? ids.length;
      let token = -1;
      sort(from, end, 1);
      while (from < end && keys[from] === 0) token = this.#take(ids[from++]!, token, -1);
      this.bytes[byte] = token;
      while (end > from) {
        const start = groupStart(keys, from, end);
        waiting.push(start, end, 2, token, (byte << 8) | (keys[start]! - 1), -1);
        end = start;
      }
    }
    while (waiting.length > 0) {
      const shift = waiting.pop()!;
      const word = waiting.pop()!;
      let prefix = waiting.pop()!;
      let depth = waiting.pop()!;
      const end = waiting.pop()!;
      let from = waiting.pop()!;
      if (shift < 0) this.pairs[word] = this.#size;
      else this.words[word]! |= this.#size << shift;
      for (;;) {
        if (end - from === 1) {
          const id = ids[from]!;
          this.prefixes[id] = prefix;
          for (let at = offsets[id]! + depth; at < offsets[id + 1]!; at++) this.#put(-1, 1 | (arena[at]! << 8));
          this.#put(id, 0);
          break;
        }
        sort(from, end, depth);
        let token = -1;
        while (from < end && keys[from] === 0) token = this.#take(ids[from++]!, token, prefix);
        if (from === end) {
          this.#put(token, 0);
          break;
        }
        if (token >= 0) prefix = token;
        const low = keys[from]! - 1;
        const high = keys[end - 1]! - 1;
        if (low === high) {
          this.#put(token, 1 | (low << 8));
          depth++;
          continue;
        }
        let count = 1;
        for (let i = from + 1; i < end; i++) if (keys[i] !== keys[i - 1]) count++;
        const size = high - low + 1;
        const spans = count >= MANY && (size <= 4 * count || count >= SPAN);
        this.#put(token, spans ? SPAN | (low << 8) | (high << 16) : count);
        const list = this.#size;
        this.#reserve(spans ? size : count);
        for (let stop = end, slot = list + count - 1; stop > from; slot--) {
          const start = groupStart(keys, from, stop);
          const byte = keys[start]! - 1;
          if (!spans) this.words[slot] = byte;
          waiting.push(start, stop, depth + 1, prefix, spans ? list + byte - low : slot, spans ? 0 : 8);
          stop = start;
        }
        break;
      }
    }
  }

  /** The token of a node whose ids come one by one, the lowest first. */
  #take(id: number, token: number, prefix: number): number {
    this.prefixes[id] = prefix;
    if (token < 0) return id;
    this.hidden.push(id);
    return token;
  }

  #put(token: number, below: number): void {
    const at = this.#size;
    this.#reserve(2);
    this.words[at] = token;
    this.words[at + 1] = below;
  }

  #reserve(count: number): void {
    this.#size += count;
    if (this.#size <= this.words.length) return;
    if (this.#size >= PLACES)
      throw new RangeError(
        `expected tokens that share more bytes, or fewer than 2²² bytes in all, got ${this.#arena.length}`,
      );
    const grown = new Int32Array(2 * this.#size);
    grown.set(this.words);
    this.words = grown;
  }

  /** The longest token that `[start, end)` begins with, −1 for none. */
  longest(bytes: Uint8Array, start: number, end: number): number {
    let found = this.bytes[bytes[start]!]!;
    if (start + 1 >= end) return found;
    let node = this.pairs[(bytes[start]! << 8) | bytes[start + 1]!]!;
    if (node < 0) return found;
    const words = this.words;
    for (let at = start + 2; ; at++) {
      const token = words[node]!;
      if (token >= 0) found = token;
      const below = words[node + 1]!;
      const kind = below & 255;
      if (kind === 0 || at >= end) return found;
      const byte = bytes[at]!;
      if (kind === 1) {
        if (below >>> 8 !== byte) return found;
        node += 2;
      } else {
        node = kind === SPAN ? this.#inSpan(node, below, byte) : this.#inList(node, kind, byte);
        if (node < 0) return found;
      }
    }
  }

  #inSpan(node: number, below: number, byte: number): number {
    const low = (below >>> 8) & 255;
    if (byte < low || byte > below >>> 16) return -1;
    return this.words[node + 2 + byte - low]! || -1;
  }

  #inList(node: number, count: number, byte: number): number {
    const words = this.words;
    for (let at = node + 2; at < node + 2 + count; at++) {
      const word = words[at]!;
      if ((word & 255) === byte) return word >>> 8;
    }
    return -1;
  }

  /** The token that these bytes are, −1 for none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < 2) return start < end ? this.bytes[bytes[start]!]! : -1;
    let node = this.pairs[(bytes[start]! << 8) | bytes[start + 1]!]!;
    for (let at = start + 2; at < end && node >= 0; at++) {
      const below = this.words[node + 1]!;
      const kind = below & 255;
      const byte = bytes[at]!;
      if (kind === 1) node = below >>> 8 === byte ? node + 2 : -1;
      else if (kind === 0) node = -1;
      else node = kind === SPAN ? this.#inSpan(node, below, byte) : this.#inList(node, kind, byte);
    }
    return node < 0 ? -1 : this.words[node]!;
  }
}

/** Where the last run of equal keys in `[from, end)` begins. */
function groupStart(keys: Uint16Array, from: number, end: number): number {
  let start = end - 1;
  while (start > from && keys[start - 1] === keys[start]) start--;
  return start;
}

const places = new Int32Array(258);

/** Sorts `[from, end)` of ids and of their keys, the bytes plus one or 0, by key; equals keep their order. */
function sortByKeys(ids: Int32Array, keys: Uint16Array, from: number, end: number): void {
  if (end - from > FEW) {
    const old = ids.slice(from, end);
    const oldKeys = keys.slice(from, end);
    places.fill(0);
    for (let i = 0; i < old.length; i++) places[oldKeys[i]! + 1]!++;
    places[0] = from;
    for (let i = 1; i < 258; i++) places[i]! += places[i - 1]!;
    for (let i = 0; i < old.length; i++) {
      const to = places[oldKeys[i]!]!++;
      ids[to] = old[i]!;
      keys[to] = oldKeys[i]!;
    }
    return;
  }
  for (let i = from + 1; i < end; i++) {
    const id = ids[i]!;
    const key = keys[i]!;
    let at = i;
    for (; at > from && keys[at - 1]! > key; at--) {
      ids[at] = ids[at - 1]!;
      keys[at] = keys[at - 1]!;
    }
    ids[at] = id;
    keys[at] = key;
  }
}
