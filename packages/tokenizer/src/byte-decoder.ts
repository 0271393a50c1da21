/** Ids → text where every token is bytes: one array holds all tokens' bytes, and one call decodes the whole. */
export class ByteDecoder {
  readonly #arena: Uint8Array;
  readonly #offsets: Int32Array;
  /** 1 for ids that exist. */
  readonly #present: Uint8Array;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @param bytesOf The bytes of an id, or undefined where there is none. */
  constructor(vocabSize: number, bytesOf: (id: number) => Uint8Array | undefined) {
    this.#offsets = new Int32Array(vocabSize + 1);
    this.#present = new Uint8Array(vocabSize);
    let arena = new Uint8Array(8 * vocabSize + 64);
    let at = 0;
    for (let id = 0; id < vocabSize; id++) {
      const bytes = bytesOf(id);
      if (bytes) {
        if (at + bytes.length > arena.length) {
          const grown = new Uint8Array(2 * arena.length + bytes.length);
          grown.set(arena);
          arena = grown;
        }
        arena.set(bytes, at);
        at += bytes.length;
        this.#present[id] = 1;
      }
      this.#offsets[id + 1] = at;
    }
    this.#arena = arena.slice(0, at);
  }

  /** The bytes of one id, or undefined where there is none. */
  bytesOf(id: number): Uint8Array | undefined {
    return this.#present[id] === 1 ? this.#arena.subarray(this.#offsets[id]!, this.#offsets[id + 1]!) : undefined;
  }

  /**
   * The text of ids; bytes that are no UTF-8 give U+FFFD.
   * @param skipped Ids to leave out.
   * @param missing Called with an id that does not exist; throws.
   */
  decode(ids: ArrayLike<number>, skipped: ReadonlySet<number> | undefined, missing: (id: number) => never): string {
    const arena = this.#arena;
    const offsets = this.#offsets;
    let size = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (this.#present[id] !== 1) missing(id);
      size += offsets[id + 1]! - offsets[id]!;
    }
    const bytes = new Uint8Array(size);
    const some = skipped && skipped.size > 0 ? skipped : undefined;
    let at = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (some?.has(id)) continue;
      const end = offsets[id + 1]!;
      for (let from = offsets[id]!; from < end; ) bytes[at++] = arena[from++]!;
    }
    return this.#decoder.decode(bytes.subarray(0, at));
  }
}
