/** The room for bytes that is kept from one text to the next. */
const KEPT = 1 << 20;

/** Ids → text where every token is bytes: they are copied four at a time, and one call decodes the whole. */
export class ByteDecoder {
  /** All tokens' bytes, the low ones first; every token begins with a new word. */
  readonly #words: Int32Array;
  /** Two numbers an id: its first word, its length in bytes (−1: there is no such id). */
  readonly #places: Int32Array;
  /** 1 for ids that are left out when they are asked to be. */
  readonly #special: Uint8Array | null;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #view: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(4096));

  /**
   * @param bytesOf The bytes of an id, or undefined where there is none.
   * @param special Ids that `decode` may leave out.
   */
  constructor(vocabSize: number, bytesOf: (id: number) => Uint8Array | undefined, special: ReadonlySet<number>) {
    this.#places = new Int32Array(2 * vocabSize);
    let words = new Int32Array(4 * vocabSize + 64);
    let used = 0;
    for (let id = 0; id < vocabSize; id++) {
      const bytes = bytesOf(id);
      this.#places[2 * id] = used;
      this.#places[2 * id + 1] = bytes ? bytes.length : -1;
      if (!bytes) continue;
      const size = (bytes.length + 3) >> 2;
      if (used + size > words.length) {
        const grown = new Int32Array(2 * words.length + size);
        grown.set(words);
        words = grown;
      }
      for (let i = 0; i < bytes.length; i++) words[used + (i >> 2)]! |= bytes[i]! << (8 * (i & 3));
      used += size;
    }
    this.#words = words.slice(0, used);
    this.#special = special.size > 0 ? new Uint8Array(vocabSize) : null;
    for (const id of special) if (this.#special) this.#special[id] = 1;
  }

  /**
   * The text of ids; bytes that are no UTF-8 give U+FFFD.
   * @param skipSpecial Leaves special ids out.
   * @param missing Called with an id that does not exist; throws.
   */
  decode(ids: ArrayLike<number>, skipSpecial: boolean, missing: (id: number) => never): string {
    const words = this.#words;
    const places = this.#places;
    const special = skipSpecial ? this.#special : null;
    const { length } = ids;
    let view = this.#view;
    let at = 0;
    for (let i = 0; i < length; i++) {
      const id = ids[i]!;
      const size = (id | 0) === id ? places[2 * id + 1] : undefined;
      if (size === undefined || size < 0) return missing(id);
      if (special?.[id] === 1) continue;
      if (at + size + 4 > view.byteLength) view = this.#grow(at + size + 4);
      let from = places[2 * id]!;
      for (let to = at; to < at + size; to += 4) view.setInt32(to, words[from++]!, true);
      at += size;
    }
    const text = this.#decoder.decode(new Uint8Array(view.buffer, 0, at));
    if (view.byteLength > KEPT) this.#view = new DataView(new ArrayBuffer(4096));
    return text;
  }

  #grow(size: number): DataView<ArrayBuffer> {
    const grown = new Uint8Array(2 * size);
    grown.set(new Uint8Array(this.#view.buffer));
    this.#view = new DataView(grown.buffer);
    return this.#view;
  }
}
