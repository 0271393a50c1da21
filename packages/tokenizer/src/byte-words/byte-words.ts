import { IdBuffer } from '../id-buffer.ts';
import type { NeighbourEncoder } from '../neighbour-encoder.ts';
import type { PairTable } from '../pair-table.ts';
import { powerOfTwo } from '../power-of-two.ts';
import type { WordPattern } from '../splitters.ts';
import type { TokenBytes } from '../token-bytes.ts';
import { classPages } from '../unicode.ts';
import { BYTE_WORDS_WASM } from './byte-words-wasm.ts';

/** What is used of it; the language's own library has no types for it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Global<T> {
  value: T;
}

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly tokenShift: Global<bigint>;
  readonly facts: Global<number>;
  readonly trie: Global<number>;
  readonly ranks: Global<number>;
  readonly rankMask: Global<number>;
  readonly whole: Global<number>;
  encode(at: number, end: number, ids: number, pattern: number, digits: number): number;
  keep(at: number, length: number, ids: number, count: number): void;
  learn(at: number, length: number, id: number): void;
  rank(left: number, right: number, rank: number): void;
}

/** Places in memory, as memory.wat has them. */
const UNKNOWN_START = 32 / 4;
const UNKNOWN_END = 36 / 4;
const INDEX = 64;
const PAGES = 8192;
const TEXT = 131_072;
const IDS = 186_560;
const ANSWERS = 1_966_080;
const PAIRS = 2_097_152;
const BYTES = 2_359_296;
const TOKENS = 2_409_600;
/** Bytes of a set of tokens, and how many it has at most. */
const SET = 64;
const SET_TOKENS = 4;
/** The longest token that a set has. */
const LONGEST = 12;
/** Ids have to stay below this; those of pieces that are encoded here below the other, and ranks below the third. */
const ID_LIMIT = 1 << 24;
const PAIR_ID_LIMIT = (1 << 21) - 1;
const RANK_LIMIT = 1 << 22;
const numbers: Readonly<Record<WordPattern['name'], number>> = { gpt2: 0, cl100k: 1, o200k: 2 };

/** A text of so many bytes can be encoded at once. */
export const TEXT_BYTES = 49_152;
const MARGIN = 128;

let module: object | undefined;

/** Encodes a piece that is not known. */
export type EncodeUnknown = (bytes: Uint8Array, start: number, end: number, ids: IdBuffer) => void;

/** A vocabulary whose pieces can be encoded without merging. */
export interface WordVocabulary {
  readonly tokens: TokenBytes;
  readonly pairs: PairTable;
  readonly neighbours: NeighbourEncoder;
  /** Whether a piece that is a token is not taken apart. */
  readonly whole: boolean;
}

/**
 * Text to ids in one loop of WebAssembly with SIMD: words are cut, looked up among tokens and among words seen lately, and encoded where they
 * are not known. It remembers pieces of up to 31 bytes with up to 24 ids, in tables of fixed size that are compared exactly.
 */
export class ByteWords {
  /** Where the text is put before it is encoded: `TEXT_BYTES`, and some more. */
  readonly text: Uint8Array;
  readonly #kernel: Kernel;
  readonly #pattern: number;
  readonly #digits: number;
  readonly #encodeUnknown: EncodeUnknown;
  readonly #bytes: Uint8Array;
  readonly #numbers: Int32Array;
  /** The ids of a text, in the kernel's memory; a text never has more than bytes. */
  readonly #ids = new IdBuffer();

  private constructor(
    kernel: Kernel,
    pattern: WordPattern,
    vocabulary: WordVocabulary | null,
    encodeUnknown: EncodeUnknown,
  ) {
    this.#kernel = kernel;
    this.#pattern = numbers[pattern.name];
    this.#digits = pattern.digits;
    this.#encodeUnknown = encodeUnknown;
    const places = placesOf(vocabulary);
    kernel.memory.grow(Math.max(0, Math.ceil((places.end - kernel.memory.buffer.byteLength) / 65_536)));
    const { buffer } = kernel.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#numbers = new Int32Array(buffer);
    this.text = new Uint8Array(buffer, TEXT, TEXT_BYTES + MARGIN);
    this.#ids.values = new Int32Array(buffer, IDS, TEXT_BYTES);
    const { index, pages } = classPages();
    this.#bytes.set(index, INDEX);
    this.#bytes.set(pages, PAGES);
    kernel.tokenShift.value = BigInt(64 - Math.log2(places.sets));
    if (vocabulary) this.#take(vocabulary, places);
  }

  /**
   * Null where WebAssembly with SIMD is not to be had, as under some content security policies, or ids do not fit.
   * @param vocabulary null where every piece that was not seen goes to `encodeUnknown`.
   */
  static of(
    pattern: WordPattern,
    vocabSize: number,
    vocabulary: WordVocabulary | null,
    encodeUnknown: EncodeUnknown,
  ): ByteWords | null {
    const kernel = vocabSize < ID_LIMIT ? newKernel() : null;
    return kernel && new ByteWords(kernel, pattern, vocabulary, encodeUnknown);
  }

  /** Appends the ids of the `written` bytes that were put into `text`. */
  encode(written: number, ids: IdBuffer): void {
    const { encode, keep } = this.#kernel;
    this.text.fill(0, written, written + MARGIN);
    const out = this.#ids;
    out.length = 0;
    const end = TEXT + written;
    for (let at = TEXT; ; ) {
      out.length = (encode(at, end, IDS + 4 * out.length, this.#pattern, this.#digits) - IDS) / 4;
      const stop = this.#numbers[UNKNOWN_END]!;
      if (stop === 0) break;
      const start = this.#numbers[UNKNOWN_START]!;
      const from = out.length;
      this.#encodeUnknown(this.#bytes, start, stop, out);
      keep(start, stop - start, IDS + 4 * from, out.length - from);
      at = stop;
    }
    ids.reserve(out.length);
    ids.values.set(out.values.subarray(0, out.length), ids.length);
    ids.length += out.length;
  }

  /** Takes over what unknown pieces are encoded by, and makes tokens known that are their own encoding. */
  #take({ tokens, pairs, neighbours, whole }: WordVocabulary, places: Places): void {
    const kernel = this.#kernel;
    const words = this.#numbers;
    const { trie } = tokens;
    const hidden = new Set(trie.hidden);
    // The lowest ids first, which are the ones most seen: they stay where too many share a set.
    let base = 0;
    let end = 0;
    for (let id = 0; id < tokens.count; id++) {
      const start = tokens.offsets[id]!;
      const length = tokens.lengthOf(id);
      if (length === 0 || length > LONGEST || hidden.has(id) || !(whole || neighbours.makes(id))) continue;
      if (start + length > end) {
        base = start;
        end = Math.min(tokens.arena.length, base + TEXT_BYTES);
        this.text.set(tokens.arena.subarray(base, end));
      }
      kernel.learn(TEXT + start - base, length, id);
    }
    if (!places.fits) return;
    kernel.facts.value = places.facts;
    kernel.trie.value = places.trie;
    kernel.ranks.value = places.ranks;
    kernel.rankMask.value = 8 * places.slots - 8;
    kernel.whole.value = whole ? 1 : 0;
    words.set(neighbours.facts, places.facts / 4);
    words.set(trie.words, places.trie / 4);
    words.fill(-1, ANSWERS / 4, PAIRS / 4);
    words.set(trie.pairs, PAIRS / 4);
    words.set(trie.bytes, BYTES / 4);
    words.fill(-1, places.ranks / 4, places.ranks / 4 + 2 * places.slots);
    pairs.each((left, right, rank) => {
      kernel.rank(left, right, rank);
    });
  }
}

function newKernel(): Kernel | null {
  try {
    module ??= new WebAssembly.Module(Uint8Array.from(atob(BYTE_WORDS_WASM), (char) => char.charCodeAt(0)));
    return new WebAssembly.Instance(module).exports as Kernel;
  } catch {
    return null;
  }
}

/** Where the parts of a vocabulary stand in memory. */
interface Places {
  readonly sets: number;
  /** Whether ids and ranks fit into the table of ranks. */
  readonly fits: boolean;
  readonly facts: number;
  readonly trie: number;
  readonly ranks: number;
  /** How many pairs the ranks have room for. */
  readonly slots: number;
  readonly end: number;
}

function placesOf(vocabulary: WordVocabulary | null): Places {
  const count = vocabulary?.tokens.count ?? 0;
  const sets = powerOfTwo(1.2 * (count / SET_TOKENS), 16);
  const facts = TOKENS + SET * sets;
  const fits = count < PAIR_ID_LIMIT && (vocabulary?.pairs.highestRank ?? 0) < RANK_LIMIT;
  if (!vocabulary || !fits) return { sets, fits, facts: 0, trie: 0, ranks: 0, slots: 0, end: facts };
  const trie = facts + vocabulary.neighbours.facts.byteLength;
  const ranks = 64 * Math.ceil((trie + vocabulary.tokens.trie.words.byteLength) / 64);
  const slots = powerOfTwo(1.3 * vocabulary.pairs.size, 16);
  return { sets, fits, facts, trie, ranks, slots, end: ranks + 8 * slots };
}
