import { BYTE_WORDS_WASM } from './byte-words-wasm.ts';
import { IdBuffer } from './id-buffer.ts';
import type { WordPattern } from './splitters.ts';
import type { TokenBytes } from './token-bytes.ts';
import { classPages } from './unicode.ts';

/** What is used of it; the language's own library has no types for it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  encode(at: number, end: number, ids: number, pattern: number, digits: number): number;
  keep(ids: number, count: number): void;
  learn(at: number, length: number, id: number): void;
}

/** Places in memory, as byte-words.wat has them. */
const UNKNOWN_START = 32 / 4;
const UNKNOWN_END = 36 / 4;
const INDEX = 64;
const PAGES = 8192;
const TEXT = 2_752_512;
const IDS = 2_801_792;
/** The longest token that is looked up as a word. */
const LONGEST = 15;
/** Ids have to stay below this. */
const ID_LIMIT = 1 << 24;
const numbers: Readonly<Record<WordPattern['name'], number>> = { gpt2: 0, cl100k: 1, o200k: 2 };

/** A text of so many bytes can be encoded at once. */
export const TEXT_BYTES = 49_152;
const MARGIN = 16;

let module: object | undefined;

/** Encodes a piece that is not known. */
export type EncodeUnknown = (bytes: Uint8Array, start: number, end: number, ids: IdBuffer) => void;

/**
 * Cuts a text into words and looks them up among those seen lately, in one loop of WebAssembly with SIMD. It remembers pieces of up to 31 bytes
 * with up to 24 ids, in tables of fixed size that are compared exactly.
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

  private constructor(pattern: WordPattern, encodeUnknown: EncodeUnknown) {
    module ??= new WebAssembly.Module(Uint8Array.from(atob(BYTE_WORDS_WASM), (char) => char.charCodeAt(0)));
    this.#kernel = new WebAssembly.Instance(module).exports as Kernel;
    this.#pattern = numbers[pattern.name];
    this.#digits = pattern.digits;
    this.#encodeUnknown = encodeUnknown;
    const { buffer } = this.#kernel.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#numbers = new Int32Array(buffer);
    this.text = new Uint8Array(buffer, TEXT, TEXT_BYTES + MARGIN);
    this.#ids.values = new Int32Array(buffer, IDS);
    const { index, pages } = classPages();
    this.#bytes.set(index, INDEX);
    this.#bytes.set(pages, PAGES);
  }

  /** Null where WebAssembly with SIMD is not to be had, as under some content security policies, or ids do not fit. */
  static of(pattern: WordPattern, vocabSize: number, encodeUnknown: EncodeUnknown): ByteWords | null {
    if (vocabSize >= ID_LIMIT) return null;
    try {
      return new ByteWords(pattern, encodeUnknown);
    } catch {
      return null;
    }
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
      const from = out.length;
      this.#encodeUnknown(this.#bytes, this.#numbers[UNKNOWN_START]!, stop, out);
      keep(IDS + 4 * from, out.length - from);
      at = stop;
    }
    ids.reserve(out.length);
    ids.values.set(out.values.subarray(0, out.length), ids.length);
    ids.length += out.length;
  }

  /** Makes tokens known that are their own encoding; of those that share their places the lowest ids stay. */
  learn({ arena, offsets, count }: TokenBytes, isWord: (id: number) => boolean): void {
    let base = arena.length;
    for (let id = count - 1; id >= 0; id--) {
      const start = offsets[id]!;
      const end = offsets[id + 1]!;
      if (start === end || end - start > LONGEST || !isWord(id)) continue;
      if (start < base) {
        base = Math.max(0, end - TEXT_BYTES);
        this.text.set(arena.subarray(base, end));
      }
      this.#kernel.learn(TEXT + start - base, end - start, id);
    }
  }
}
