import { byteOfToken } from '../byte-token.ts';
import { boolean, type Json, string, strings } from '../format.ts';
import { characterSize } from '../sentencepiece/normalizer.ts';
import type { Emit, Stage } from './stage.ts';

/** Pieces to text as SentencePiece's `Decode` writes it: blanks for ▁, the first one dropped, bytes put together. */
export class SentencePieceStage implements Stage {
  readonly #unknown: ReadonlySet<string>;
  readonly #surface: string;
  readonly #control: ReadonlySet<string>;
  readonly #hasBytes: boolean;
  readonly #dropsBlank: boolean;
  readonly #dropsAll: boolean;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #bytes: number[] = [];
  #part = '';
  #begun = false;

  /** @throws TokenizerFormatError naming the field. */
  constructor(field: string, json: Json) {
    this.#unknown = new Set(strings(`${field}.unknown`, json.unknown));
    this.#surface = string(`${field}.unk_surface`, json.unk_surface);
    this.#control = new Set(strings(`${field}.control`, json.control));
    this.#hasBytes = boolean(`${field}.bytes`, json.bytes, false);
    this.#dropsAll = boolean(`${field}.remove_extra_whitespaces`, json.remove_extra_whitespaces, false);
    this.#dropsBlank = this.#dropsAll || boolean(`${field}.add_dummy_prefix`, json.add_dummy_prefix, true);
  }

  push(text: string, last: boolean, emit: Emit): void {
    this.#part += text;
    if (!last) return;
    const piece = this.#part;
    this.#part = '';
    const byte = this.#hasBytes ? byteOfToken(piece) : undefined;
    if (byte !== undefined) {
      this.#bytes.push(byte);
      this.#take(emit, false);
      return;
    }
    this.#take(emit, true);
    this.#put(this.#surfaceOf(piece), emit);
  }

  end(emit: Emit): void {
    this.#take(emit, true);
  }

  #surfaceOf(piece: string): string {
    if (this.#control.has(piece)) return '';
    if (this.#unknown.has(piece)) return this.#surface;
    let rest = piece;
    if (!this.#begun && this.#dropsBlank && piece.startsWith('▁')) {
      rest = piece.slice(1);
      // Only where extra blanks are removed may more of them follow.
      if (!this.#dropsAll) this.#begun = true;
    }
    return rest.replaceAll('▁', ' ');
  }

  #put(text: string, emit: Emit): void {
    if (text === '') return;
    this.#begun = true;
    emit(text, true);
  }

  /** Gives out the characters that are whole; a byte that belongs to none is U+FFFD. `all`: nothing can follow. */
  #take(emit: Emit, all: boolean): void {
    const bytes = Uint8Array.from(this.#bytes);
    let at = 0;
    while (at < bytes.length) {
      const size = characterSize(bytes, at, bytes.length);
      if (size === 0 && !all && mayGrow(bytes, at)) break;
      this.#put(size > 0 ? this.#decoder.decode(bytes.subarray(at, at + size)) : '\ufffd', emit);
      at += Math.max(1, size);
    }
    this.#bytes = this.#bytes.slice(at);
  }
}

/** Whether more bytes could make a character of these. */
function mayGrow(bytes: Uint8Array, at: number): boolean {
  const lead = bytes[at]!;
  const size = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (lead >= 0xf5 || bytes.length - at >= size) return false;
  return bytes.subarray(at + 1).every((byte) => (byte & 0xc0) === 0x80);
}
