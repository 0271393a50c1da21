import { SentencePieceFormatError } from './protobuf.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * A `precompiled_charsmap`: rules "these bytes become those", kept as a Darts double array
 * (https://github.com/s-yata/darts-clone) over the left sides and, behind it, the right sides, each ended by a NUL.
 */
export class PrecompiledCharsmap {
  /** The right sides; offsets below point into it. */
  readonly replacements: Uint8Array;
  readonly #units: Uint32Array;
  readonly #known = new Map<string, string | null>();
  /** Bytes that the longest rule found by `longest` covers. */
  matched = 0;

  /** @throws SentencePieceFormatError where the bytes are cut off. */
  constructor(bytes: Uint8Array) {
    if (bytes.length < 4)
      throw new SentencePieceFormatError('precompiled_charsmap: it is shorter than its 4-byte size');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = view.getUint32(0, true);
    if (size % 4 !== 0 || size === 0 || size > bytes.length - 4)
      throw new SentencePieceFormatError(
        `precompiled_charsmap: a trie of ${size} bytes does not fit into ${bytes.length} bytes`,
      );
    this.#units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.replacements = bytes.slice(4 + size);
  }

  /** From a tokenizer.json's base64. @throws SentencePieceFormatError */
  static fromBase64(text: string): PrecompiledCharsmap {
    let binary: string;
    try {
      binary = atob(text);
    } catch {
      throw new SentencePieceFormatError('precompiled_charsmap: it is not base64');
    }
    return new PrecompiledCharsmap(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
  }

  /**
   * The longest rule that begins at `start`: the offset of its right side, and its length in `matched`; −1 where none
   * begins there.
   */
  longest(bytes: Uint8Array, start: number, end: number): number {
    return this.#find(bytes, start, end, false);
  }

  /** Where the right side that begins at `offset` ends. */
  replacementEnd(offset: number): number {
    const end = this.replacements.indexOf(0, offset);
    return end < 0 ? this.replacements.length : end;
  }

  /**
   * What Hugging Face's `Precompiled` normalizer puts in place of a chunk (a grapheme of up to 5 bytes, or a character): the
   * right side of the *shortest* rule that the chunk begins with, whatever follows in the chunk; undefined where none does.
   */
  transform(chunk: string): string | undefined {
    const known = this.#known.get(chunk);
    if (known !== undefined) return known ?? undefined;
    const bytes = encoder.encode(chunk);
    const nul = bytes.indexOf(0);
    const offset = this.#find(bytes, 0, nul < 0 ? bytes.length : nul, true);
    const found = offset < 0 ? null : decoder.decode(this.replacements.subarray(offset, this.replacementEnd(offset)));
    if (this.#known.size > 20_000) this.#known.clear();
    this.#known.set(chunk, found);
    return found ?? undefined;
  }

  /** Whether a rule begins with these bytes followed by one of `[low, high)`. */
  continues(bytes: Uint8Array, start: number, end: number, low: number, high: number): boolean {
    const units = this.#units;
    let node = offsetOf(units[0]!);
    for (let at = start; at < end; at++) {
      node ^= bytes[at]!;
      const unit = units[node];
      if (unit === undefined || (unit & LABEL) >>> 0 !== bytes[at]) return false;
      node ^= offsetOf(unit);
    }
    for (let next = low; next < high; next++) {
      const child = units[node ^ next];
      if (child !== undefined && (child & LABEL) >>> 0 === next) return true;
    }
    return false;
  }

  /** Whether a rule has this byte behind its first one. */
  hasWithin(byte: number): boolean {
    const units = this.#units;
    const work = [[offsetOf(units[0]!), 0]];
    // Nodes are told apart by their offsets; a damaged trie may have loops.
    const seen = new Uint8Array(units.length);
    while (work.length > 0) {
      const [node, depth] = work.pop()!;
      for (let next = 0; next < 256; next++) {
        const at = node! ^ next;
        const unit = units[at];
        if (unit === undefined || (unit & LABEL) >>> 0 !== next || seen[at] === 1) continue;
        seen[at] = 1;
        if (depth! > 0 && next === byte) return true;
        work.push([at ^ offsetOf(unit), depth! + 1]);
      }
    }
    return false;
  }

  #find(bytes: Uint8Array, start: number, end: number, first: boolean): number {
    const units = this.#units;
    let found = -1;
    let node = offsetOf(units[0]!);
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      node ^= byte;
      if (node >= units.length) break;
      const unit = units[node]!;
      if ((unit & LABEL) >>> 0 !== byte) break;
      node ^= offsetOf(unit);
      if ((unit >>> 8) & 1) {
        if (node >= units.length) break;
        const value = units[node]! & VALUE;
        if (value < this.replacements.length) {
          found = value;
          this.matched = i + 1 - start;
          if (first) break;
        }
      }
    }
    return found;
  }
}

/** The bits of a unit: a label (the byte, or bit 31 in a unit that holds a value), a leaf flag, an offset. */
const LABEL = 0x800000ff;
const VALUE = 0x7fffffff;
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
