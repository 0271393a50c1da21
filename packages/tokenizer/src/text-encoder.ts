import type { AddedToken } from './added-tokens.ts';
import { BertWords } from './bert-words.ts';
import { BPE } from './bpe.ts';
import { dropoutOf, randomOf } from './bpe-dropout.ts';
import { ByteEncoder } from './byte-encoder.ts';
import { type Encoding, emptyEncoding } from './encoding.ts';
import { encodingOf, unitsOfBytes } from './encoding-parts.ts';
import type { Spec } from './format.ts';
import { IdBuffer } from './id-buffer.ts';
import type { Draw, Model } from './model.ts';
import { MetaspaceWords } from './models/metaspace-words.ts';
import { Unigram } from './models/unigram.ts';
import { preTokenizerSplitter } from './named-splitters.ts';
import type { Normalizer } from './normalizers/index.ts';
import type { PreTokenizer } from './pre-tokenizers/index.ts';
import { cutWith, type Splitter } from './pre-tokenizers/splitter.ts';
import { checkSampling } from './sampling.ts';
import { type Piece, type Shortcut, TextPieces } from './text-pieces.ts';
import type { EncodeOptions } from './tokenizer-options.ts';

export interface TextEncoderParts {
  readonly model: Model;
  readonly addedTokens: readonly AddedToken[];
  readonly normalizer: Spec | null;
  readonly normalize: Normalizer | null;
  readonly preTokenizer: Spec | null;
  readonly split: PreTokenizer | null;
  /** How texts are split, where it is not as the pre-tokenizer says. */
  readonly splitter: Splitter | RegExp | undefined;
  readonly tokenOf: (id: number) => string;
}

/** A text's ids, without what the post-processor adds: by a short way where the model has one, otherwise piece by piece. */
export class TextIdEncoder {
  readonly #parts: TextEncoderParts;
  readonly #pieces: TextPieces;
  /** The short way from text to ids, where a model takes pieces of the text as it is. */
  readonly #direct: ByteEncoder | null;
  /** The same for a model of words that begin with a blank. */
  readonly #words: MetaspaceWords | null;
  readonly #shortcut: Shortcut | null;
  readonly #prefixed: boolean;
  readonly #encoder = new TextEncoder();
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);

  constructor(parts: TextEncoderParts) {
    this.#parts = parts;
    const { model, addedTokens, normalize, preTokenizer, splitter } = parts;
    const asksForOrigin = normalize !== null && JSON.stringify(preTokenizer).includes('"first"');
    const split = splitter ? cutter(splitter) : parts.split;
    this.#pieces = new TextPieces({ addedTokens, normalize, split, asksForOrigin });
    this.#prefixed = !splitter && preTokenizer?.type === 'ByteLevel' && preTokenizer.add_prefix_space !== false;
    this.#words = model instanceof Unigram && !splitter ? MetaspaceWords.of(model, preTokenizer) : null;
    this.#direct = directEncoder(parts);
    this.#shortcut =
      this.#direct || this.#words ? { normalizes: this.#direct !== null && !(model instanceof BPE) } : null;
  }

  /** Appends the ids of a text. */
  ids(text: string, ids: IdBuffer, options: EncodeOptions): void {
    for (const { text: piece, id } of this.#pieces.of(text, false, options, this.#shortcut))
      if (id >= 0) ids.push(id);
      else if (this.#direct)
        this.#direct.encode(this.#prefixed && !piece.text.startsWith(' ') ? ` ${piece.text}` : piece.text, ids);
      else if (this.#words) this.#words.encode(piece.text, ids);
      else this.#encodePiece(piece.text, ids);
  }

  /** Id → bytes of its token, where the short way tells offsets; otherwise null. */
  lengthsFor({ dropout, sampling }: EncodeOptions): Int32Array | null {
    const { model, normalize, splitter } = this.#parts;
    if (!(model instanceof BPE && this.#direct) || normalize || this.#prefixed) return null;
    return splitter instanceof RegExp || dropout !== undefined || sampling ? null : model.lengths;
  }

  /**
   * By the short way: appends the ids of a text with their offsets, and with the numbers of their words where these are wanted.
   * @param lengths what `lengthsFor` gave.
   */
  withOffsets(
    text: string,
    lengths: Int32Array,
    options: EncodeOptions,
    ids: IdBuffer,
    offsets: IdBuffer,
    words?: IdBuffer,
  ): void {
    let word = 0;
    for (const { text: piece, id } of this.#pieces.of(text, false, options, this.#shortcut))
      if (id < 0) word = this.#direct!.encodeWithOffsets(piece.text, piece.origin, lengths, ids, offsets, words, word);
      else {
        ids.push(id);
        words?.push(word++);
        offsets.push(piece.origin);
        offsets.push(piece.origin + piece.text.length);
      }
  }

  /** Everything about the ids of a text. @param sequence 0 for the first text, 1 for the second. */
  encoding(text: string, sequence: number, options: EncodeOptions): Encoding {
    const lengths = this.lengthsFor(options);
    if (!lengths) return this.#encodingByPieces(text, sequence, options);
    const [ids, offsets, words] = [new IdBuffer(), new IdBuffer(), new IdBuffer()];
    this.withOffsets(text, lengths, options, ids, offsets, words);
    return encodingOf({ ids, offsets, words, sequence, tokenOf: this.#parts.tokenOf });
  }

  #encodingByPieces(text: string, sequence: number, options: EncodeOptions): Encoding {
    const e = emptyEncoding();
    const { model } = this.#parts;
    const ids = new IdBuffer();
    const ends = new IdBuffer();
    const begins = new IdBuffer();
    const draw = drawOf(options, sequence);
    this.#pieces.of(text, true, options, null).forEach(({ text: piece, id }: Piece, word) => {
      const starts = piece.starts!;
      const stops = piece.ends!;
      const put = (token: number, value: string, from: number, to: number): void => {
        e.ids.push(token);
        e.tokens.push(value);
        e.offsets.push(to > from ? [starts[from]!, stops[to - 1]!] : [starts[from] ?? 0, starts[from] ?? 0]);
        e.typeIds.push(sequence);
        e.specialTokensMask.push(0);
        e.attentionMask.push(1);
        e.wordIds.push(word);
        e.sequenceIds.push(sequence);
      };
      if (id >= 0) {
        put(id, piece.text, 0, piece.text.length);
        return;
      }
      ids.clear();
      ends.clear();
      begins.clear();
      this.#encodePiece(piece.text, ids, ends, draw, begins);
      const units = unitsOfBytes(piece.text);
      const { spellsUnknown, unkId } = model;
      for (let i = 0, from = 0, done = 0; i < ids.length; i++) {
        const to = ends.values[i]!;
        if (begins.length > 0) from = begins.values[i]!;
        else if (to > done || !spellsUnknown) from = done; // bytes of an unknown text share it
        done = to;
        const last = to > from ? units[to - 1]! + 1 : units[from]!;
        const token = ids.values[i]!;
        const spelled = spellsUnknown && token === unkId ? piece.text.slice(units[from], last) : undefined;
        put(token, spelled ?? model.idToToken(token) ?? '', units[from]!, last);
      }
    });
    return e;
  }

  /** The seam between pieces and the model. */
  #encodePiece(piece: string, ids: IdBuffer, ends?: IdBuffer, draw: Draw = {}, begins: IdBuffer | null = null): void {
    const { model } = this.#parts;
    if (this.#bytes.length < piece.length * 3) this.#bytes = new Uint8Array(piece.length * 6);
    const { written } = this.#encoder.encodeInto(piece, this.#bytes);
    const { dropout, sampling } = draw;
    if (begins && ends && model.encodeSpans) model.encodeSpans(this.#bytes, 0, written, ids, begins, ends, draw);
    else if (sampling) throw new RangeError('sampling: the model is no unigram model of SentencePiece');
    else if (!dropout) model.encode(this.#bytes, 0, written, ids, ends);
    else if (model.encodeWithDropout) model.encodeWithDropout(this.#bytes, 0, written, dropout, ids, ends);
    else throw new RangeError('dropout: the model is no BPE');
  }
}

const cutter =
  (splitter: Splitter | RegExp): PreTokenizer =>
  (text) =>
    cutWith(text, splitter);

function directEncoder({
  model,
  addedTokens,
  normalizer,
  normalize,
  preTokenizer,
  split,
  splitter,
}: TextEncoderParts): ByteEncoder | null {
  if (model instanceof BPE && preTokenizer) {
    const own = splitter ?? preTokenizerSplitter(preTokenizer);
    if (own || preTokenizer.type === 'ByteLevel') return new ByteEncoder(model, own);
  }
  const isBert = normalizer?.type === 'BertNormalizer' && preTokenizer?.type === 'BertPreTokenizer' && !splitter;
  if (!isBert || addedTokens.some((token) => token.normalized)) return null;
  const words = new BertWords(model, normalize!, split!);
  return new ByteEncoder(words, words.split);
}

/** What is drawn for a text, of two each with a seed of its own. */
function drawOf({ dropout, sampling, seed = 0 }: EncodeOptions, sequence: number): Draw {
  const asked = dropout === undefined ? null : dropoutOf(dropout, seed + sequence);
  if (sampling) checkSampling(sampling);
  return {
    dropout: asked?.rate === 0 ? null : asked,
    sampling: sampling ? { ...sampling, random: randomOf(seed + sequence) } : null,
  };
}
