import type { IdBuffer } from './id-buffer.ts';
import type { Model } from './model.ts';
import { Normalized } from './normalized.ts';
import type { Normalizer } from './normalizers/index.ts';
import { PieceCache } from './piece-cache.ts';
import type { PreTokenizer } from './pre-tokenizers/index.ts';
import { decodeAt, type Splitter, widthOf } from './splitters.ts';
import { isWhiteSpace } from './unicode.ts';

const UNKNOWN = 0;
const WORD = 1;
const SPACE = 2;
/** A word by itself: punctuation, and ideographs where they get blanks around them. */
const ALONE = 3;
/** No ASCII character: it changes otherwise than to another one. */
const CHANGES = 255;

/**
 * BERT's normalizer and pre-tokenizer over UTF-8, in place: both look at one character at a time (marks aside, which stay in their
 * word), so that white space, punctuation and ideographs cut a text before it is normalized as well as after. What is between
 * them is a word, or rarely several, whose ids are remembered for its bytes as they were before normalizing.
 */
export class BertWords {
  readonly #model: Model;
  readonly #normalize: Normalizer;
  readonly #cut: PreTokenizer;
  readonly #cache: PieceCache;
  /** Code point → what it is in a text. */
  readonly #kinds: Uint8Array = new Uint8Array(0x110000);
  /** ASCII character → what the normalizer makes of it. */
  readonly #ascii: Uint8Array = new Uint8Array(128);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #bytes: Uint8Array = new Uint8Array(256);

  constructor(model: Model, normalize: Normalizer, cut: PreTokenizer) {
    this.#model = model;
    this.#normalize = normalize;
    this.#cut = cut;
    this.#cache = new PieceCache(model.vocabSize);
    for (let code = 0; code < 128; code++) {
      this.#kinds[code] = this.#kindOf(code);
      const normal = this.#normal(String.fromCharCode(code));
      this.#ascii[code] = normal.length === 1 && normal < '\x80' ? normal.charCodeAt(0) : CHANGES;
    }
  }

  /** The end of the word, of the run of white space or of the punctuation mark that starts at `at`. */
  readonly split: Splitter = (bytes, at, end) => {
    const kinds = this.#kinds;
    const kind = this.#kindAt(bytes, at);
    let next = at + widthOf(bytes[at]!);
    if (kind === ALONE) return next;
    while (next < end) {
      const byte = bytes[next]!;
      if (byte < 0x80) {
        if (kinds[byte] !== kind) return next;
        next++;
      } else {
        if (this.#kindAt(bytes, next) !== kind) return next;
        next += widthOf(byte);
      }
    }
    return next;
  };

  /** Appends the ids of a piece that `split` cut off. */
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer): void {
    const first = bytes[start]!;
    if ((first < 0x80 && this.#kinds[first] === SPACE) || this.#cache.take(bytes, start, end, ids)) return;
    const from = ids.length;
    const plain = this.#plain(bytes, start, end);
    if (plain) this.#model.encode(plain, 0, end - start, ids);
    else this.#encodeText(this.#decoder.decode(bytes.subarray(start, end)), ids);
    this.#cache.keep(ids, from);
  }

  /** A word of ASCII alone, normalized; null where there is more to do. */
  #plain(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    if (this.#bytes.length < end - start) this.#bytes = new Uint8Array(2 * (end - start));
    const plain = this.#bytes;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      const normal = byte < 0x80 ? this.#ascii[byte]! : CHANGES;
      if (normal === CHANGES) return null;
      plain[i - start] = normal;
    }
    return plain;
  }

  #encodeText(text: string, ids: IdBuffer): void {
    const normal = Normalized.of(text, 0, false);
    this.#normalize(normal);
    for (const { text: word } of this.#cut(normal)) {
      const bytes = this.#encoder.encode(word);
      if (bytes.length > 0) this.#model.encode(bytes, 0, bytes.length, ids);
    }
  }

  #kindAt(bytes: Uint8Array, at: number): number {
    const code = decodeAt(bytes, at);
    const kind = this.#kinds[code]!;
    if (kind !== UNKNOWN) return kind;
    const found = this.#kindOf(code);
    this.#kinds[code] = found;
    return found;
  }

  #kindOf(code: number): number {
    const text = String.fromCodePoint(code);
    const normal = this.#normal(text);
    if (normal !== '' && [...normal].every((part) => isWhiteSpace(part.codePointAt(0)!))) return SPACE;
    if (normal.startsWith(' ') && normal.endsWith(' ')) return ALONE;
    // Whether letters beside it stay apart from it
    const between = Normalized.of(`a${normal}a`, 0, false);
    return normal === text && this.#cut(between).length === 3 ? ALONE : WORD;
  }

  #normal(text: string): string {
    const normal = Normalized.of(text, 0, false);
    this.#normalize(normal);
    return normal.text;
  }
}
