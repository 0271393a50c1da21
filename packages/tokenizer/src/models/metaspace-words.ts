import type { Json, Spec } from '../format.ts';
import type { IdBuffer } from '../id-buffer.ts';
import { BLANK, isBlank } from './blanks.ts';
import { CompactText } from './compact-text.ts';
import type { Unigram } from './unigram.ts';

/** Bytes of the white space that begins there, 0 where something else stands. */
function whiteSpace(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]!;
  if (byte < 0x80) return byte === 0x20 || (byte >= 9 && byte <= 13) ? 1 : 0;
  const next = bytes[at + 1]!;
  if (byte === 0xc2) return next === 0x85 || next === 0xa0 ? 2 : 0;
  const last = bytes[at + 2]!;
  if (byte === 0xe2 && next === 0x80) return last <= 0x8a || last === 0xa8 || last === 0xa9 || last === 0xaf ? 3 : 0;
  return (byte === 0xe1 && next === 0x9a && last === 0x80) || // U+1680
    (byte === 0xe2 && next === 0x81 && last === 0x9f) || // U+205F
    (byte === 0xe3 && next === 0x80 && last === 0x80) // U+3000
    ? 3
    : 0;
}

/**
 * The short way from a text to the ids of a unigram model behind the pre-tokenizer Metaspace, or WhitespaceSplit and Metaspace: the
 * words are told apart in one pass over bytes, without a string for each.
 */
export class MetaspaceWords {
  readonly #model: Unigram;
  /** Whether all white space separates words and is dropped; else blanks alone begin them. */
  readonly #splits: boolean;
  readonly #text = new CompactText();
  readonly #encoder = new TextEncoder();
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);

  private constructor(model: Unigram, splits: boolean) {
    this.#model = model;
    this.#splits = splits;
  }

  /** Null where the pre-tokenizer is another one. */
  static of(model: Unigram, preTokenizer: Spec | null): MetaspaceWords | null {
    if (isMetaspace(preTokenizer)) return new MetaspaceWords(model, false);
    const parts = preTokenizer?.type === 'Sequence' ? (preTokenizer.pretokenizers as Json[]) : [];
    const splits = parts.length === 2 && parts[0]!.type === 'WhitespaceSplit' && isMetaspace(parts[1]!);
    return splits ? new MetaspaceWords(model, true) : null;
  }

  encode(text: string, ids: IdBuffer): void {
    if (this.#bytes.length < 3 * text.length + 4) this.#bytes = new Uint8Array(6 * text.length + 4);
    const bytes = this.#bytes;
    const { written: end } = this.#encoder.encodeInto(text, bytes);
    const compact = this.#text;
    compact.length = 0;
    compact.reserve(2 * end + 1);
    const out = compact.bytes;
    const splits = this.#splits;
    let length = 0;
    let begins = true;
    for (let at = 0; at < end; ) {
      const byte = bytes[at]!;
      if (splits) {
        const size = byte > 0x20 && byte < 0x80 ? 0 : whiteSpace(bytes, at);
        if (size > 0) {
          at += size;
          begins = true;
          continue;
        }
      }
      const size = byte === 0xe2 && isBlank(bytes, at) ? 3 : byte === 0x20 ? 1 : 0;
      if (size > 0 || begins) out[length++] = BLANK;
      begins = false;
      if (size === 0) out[length++] = bytes[at++]!;
      at += size;
    }
    compact.length = length;
    this.#model.encodeWords(compact, ids);
  }
}

function isMetaspace(spec: Json | Spec | null): boolean {
  const always = (spec?.prepend_scheme ?? 'always') === 'always' && spec?.add_prefix_space !== false;
  return spec?.type === 'Metaspace' && spec.replacement === '▁' && spec.split !== false && always;
}
