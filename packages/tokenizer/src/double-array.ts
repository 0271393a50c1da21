/**
 * Byte strings as a trie in one array (https://doi.org/10.1109/32.31365). A node is a number: its label (the byte that leads to it,
 * plus one), whether a string ends there, and its base. From a node with the base b, a byte leads to the node at b + byte, if the
 * label there says so; no two nodes have the same base. The root is the node at 0.
 */
export class DoubleArray {
  /** Bits 0 to 8: label, 0 where there is no node; bit 9: `ENDS`; the rest: base. */
  nodes: Int32Array = new Int32Array(1 << 12);
  /** By a node's place: what ends there. */
  values: Int32Array = new Int32Array(1 << 12);
  /** Whether a base is taken. */
  #bases = new Uint8Array(1 << 12);
  /** Places below it are taken, but for a few. */
  #free = 1;
  #highest = 0;

  /**
   * Of equal strings the last counts; empty ones are left out.
   * @throws RangeError for more strings than 22 bits can number the nodes of.
   */
  constructor(entries: Iterable<readonly [bytes: Uint8Array, value: number]>) {
    const strings: Uint8Array[] = [];
    const numbers: number[] = [];
    for (const [bytes, value] of entries) {
      if (bytes.length === 0) continue;
      strings.push(bytes);
      numbers.push(value);
    }
    const order = sortedOrder(strings);
    /** The bytes that go on from a node, and from which string on each does. */
    const bytes = new Uint8Array(256);
    const starts = new Int32Array(257);
    const work: number[] = [0, 0, order.length, 0]; // node, from, to, depth
    while (work.length > 0) {
      const depth = work.pop()!;
      const to = work.pop()!;
      let from = work.pop()!;
      const node = work.pop()!;
      for (; from < to && strings[order[from]!]!.length === depth; from++) {
        this.values[node] = numbers[order[from]!]!;
        this.nodes[node]! |= ENDS;
      }
      if (from === to) continue;
      let count = 0;
      for (let i = from; i < to; i++) {
        const byte = strings[order[i]!]![depth]!;
        if (count > 0 && byte === bytes[count - 1]) continue;
        bytes[count] = byte;
        starts[count++] = i;
      }
      starts[count] = to;
      const base = this.#place(bytes, count);
      this.nodes[node]! |= base << BASE;
      for (let i = 0; i < count; i++) {
        this.nodes[base + bytes[i]!] = bytes[i]! + 1;
        work.push(base + bytes[i]!, starts[i]!, starts[i + 1]!, depth + 1);
      }
    }
    const size = this.#highest + 256 + 1;
    this.nodes = this.nodes.slice(0, size);
    this.values = this.values.slice(0, size);
    this.#bases = new Uint8Array(0);
  }

  /** Where nodes for the first `count` bytes are free. */
  #place(bytes: Uint8Array, count: number): number {
    const least = bytes[0]!;
    let taken = 0;
    for (let at = Math.max(this.#free, least + 1); ; at++) {
      this.#room(at + 256);
      const { nodes } = this;
      if (nodes[at] !== 0) {
        taken++;
        continue;
      }
      const base = at - least;
      let fits = this.#bases[base] === 0;
      for (let i = 1; i < count && fits; i++) fits = nodes[base + bytes[i]!] === 0;
      if (!fits) continue;
      // Where nearly everything was taken, nobody need look again.
      if (taken > 0.95 * (at - this.#free + 1)) this.#free = at;
      if (base >= 1 << (32 - BASE)) throw new RangeError(`the vocabulary is too large: more than ${base} trie nodes`);
      this.#bases[base] = 1;
      this.#highest = Math.max(this.#highest, base + 255);
      return base;
    }
  }

  #room(size: number): void {
    if (size < this.nodes.length) return;
    const length = 2 * Math.max(this.nodes.length, size);
    const grow = <T extends Int32Array | Uint8Array>(old: T, grown: T): T => {
      grown.set(old);
      return grown;
    };
    this.nodes = grow(this.nodes, new Int32Array(length));
    this.values = grow(this.values, new Int32Array(length));
    this.#bases = grow(this.#bases, new Uint8Array(length));
  }
}

export const LABEL = 0x1ff;
export const ENDS = 0x200;
export const BASE = 10;

/** The places of byte strings in their order, those of equal ones as they came. */
function sortedOrder(strings: readonly Uint8Array[]): Uint32Array {
  // Six bytes in a number tell most of them apart.
  const keys = Float64Array.from(strings, (bytes) => {
    let key = 0;
    for (let i = 0; i < 6; i++) key = 256 * key + (bytes[i] ?? 0);
    return key;
  });
  return Uint32Array.from(strings, (_, i) => i).sort(
    (a, b) => keys[a]! - keys[b]! || compare(strings[a]!, strings[b]!) || a - b,
  );
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/** The longest of the trie's strings that begins at `start`: its length, 0 for none, and its value. */
export function longest(
  { nodes, values }: DoubleArray,
  bytes: Uint8Array,
  start: number,
  end: number,
): [length: number, value: number] {
  let found: [number, number] = [0, -1];
  let base = nodes[0]! >>> BASE;
  for (let at = start; at < end; ) {
    const place = base + bytes[at]!;
    const node = nodes[place]!;
    if ((node & LABEL) !== bytes[at]! + 1) break;
    at++;
    if (node & ENDS) found = [at - start, values[place]!];
    base = node >>> BASE;
  }
  return found;
}
