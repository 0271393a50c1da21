import { textOf } from './wide-text.ts';

/** The room for bytes that is kept from one text to the next. */
const KEPT = 1 << 20;

/** Bytes of a token that stand beside its length. */
const NEAR = 12;
/** In the number that has a token's length: the token may be left out. */
const SPECIAL = 1 << 30;

/** Ids → text where every token is bytes: they are copied four at a time, and one call decodes the whole. */
export class ByteDecoder {
  /**
   * Four numbers an id, which are read together: its length in bytes (−1: there is no such id), and its first bytes or, where there are
   * more of them, where they begin in `long`.
   */
  readonly #tokens: Int32Array;
  /** The bytes of long tokens; every token begins with a new number. */
  readonly #long: Int32Array;
  #view: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(4096));

  /**
   * @param bytesOf The bytes of an id, or undefined where there is none.
   * @param special Ids that `decode` may leave out.
   */
  constructor(vocabSize: number, bytesOf: (id: number) => Uint8Array | undefined, special: ReadonlySet<number>) {
    const tokens = new Int32Array(4 * vocabSize);
    const long: number[] = [];
    for (let id = 0; id < vocabSize; id++) {
      const bytes = bytesOf(id);
      tokens[4 * id] = bytes ? bytes.length : -1;
      if (!bytes) continue;
      if (bytes.length <= NEAR)
        for (let i = 0; i < bytes.length; i++) tokens[4 * id + 1 + (i >> 2)]! |= bytes[i]! << (8 * (i & 3));
      else {
        tokens[4 * id + 1] = long.length;
        for (let i = 0; i < bytes.length; i += 4)
          long.push(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
      }
    }
    for (const id of special) if (tokens[4 * id]! >= 0) tokens[4 * id]! |= SPECIAL;
    this.#tokens = tokens;
    this.#long = Int32Array.from(long);
  }

  /**
   * The text of ids; bytes that are no UTF-8 give U+FFFD.
   * @param skipSpecial Leaves special ids out.
   * @param missing Called with an id that does not exist; throws.
   */
  decode(ids: ArrayLike<number>, skipSpecial: boolean, missing: (id: number) => never): string {
    const list = ids instanceof Int32Array ? ids : wholeNumbers(ids, missing);
    const tokens = this.#tokens;
    const long = this.#long;
    const count = tokens.length / 4;
    let view = this.#view;
    let room = view.byteLength - NEAR;
    let at = 0;
    for (let i = 0; i < list.length; i++) {
      const id = list[i]!;
      const size = id >>> 0 < count ? tokens[4 * id]! : -1;
      if (at > room) {
        view = this.#grow(at + NEAR);
        room = view.byteLength - NEAR;
      }
      if (size >>> 0 <= NEAR) {
        view.setInt32(at, tokens[4 * id + 1]!, true);
        if (size > 4) {
          view.setInt32(at + 4, tokens[4 * id + 2]!, true);
          view.setInt32(at + 8, tokens[4 * id + 3]!, true);
        }
        at += size;
        continue;
      }
      if (size < 0) return missing(id);
      if (size >= SPECIAL && skipSpecial) continue;
      const length = size & (SPECIAL - 1);
      if (at + length > room) {
        view = this.#grow(at + length + NEAR);
        room = view.byteLength - NEAR;
      }
      const first = tokens[4 * id + 1]!;
      if (length > NEAR)
        for (let to = at, from = first; to < at + length; to += 4) view.setInt32(to, long[from++]!, true);
      else for (let part = 0; part < 3; part++) view.setInt32(at + 4 * part, tokens[4 * id + 1 + part]!, true);
      at += length;
    }
    const text = textOf(new Uint8Array(view.buffer), at);
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

/** Ids of another kind of list. */
function wholeNumbers(ids: ArrayLike<number>, missing: (id: number) => never): Int32Array {
  const list = new Int32Array(ids.length);
  for (let i = 0; i < list.length; i++) {
    const id = ids[i]!;
    if ((id | 0) !== id) return missing(id);
    list[i] = id;
  }
  return list;
}
