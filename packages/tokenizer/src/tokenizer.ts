import type { AddedToken } from './added-tokens.ts';
import { BPE } from './bpe.ts';
import { readDecoder } from './decoders/index.ts';
import {
  convertOffsets,
  type Encoding,
  emptyEncoding,
  type IdsWithOffsets,
  inTypedArrays,
  mergeEncodings,
  positionsOf,
} from './encoding.ts';
import { specialEncoding, withType } from './encoding-parts.ts';
import type { Spec } from './format.ts';
import { IdBuffer } from './id-buffer.ts';
import type { Model } from './model.ts';
import { readNormalizer } from './normalizers/index.ts';
import { type PostProcessor, readPostProcessor, type TemplatePart } from './post-processors/index.ts';
import { readPreTokenizer } from './pre-tokenizers/index.ts';
import type { Splitter } from './pre-tokenizers/splitter.ts';
import { SentencePiece } from './sentencepiece/model.ts';
import { type EncodeStream, encodeStream } from './stream/encode-stream.ts';
import { TextIdEncoder } from './text-encoder.ts';
import { TokenBlanks, trimOffsets } from './token-blanks.ts';
import { TokenDecoder } from './token-decoder.ts';
import type {
  ChatFormat,
  DecodeOptions,
  DecodeStream,
  EncodeOptions,
  EncodingOptions,
  OffsetsOptions,
  TextPair,
  TokenizerParts,
} from './tokenizer-options.ts';
import { type PaddingOptions, pad, type TruncationOptions, truncate } from './truncation.ts';

/** Text to ids and back, through the stages of Hugging Face's tokenizer.json. */
export class Tokenizer {
  readonly model: Model;
  readonly addedTokens: readonly AddedToken[];
  readonly normalizer: Spec | null;
  readonly preTokenizer: Spec | null;
  readonly postProcessor: Spec | null;
  readonly decoder: Spec | null;
  readonly truncation: TruncationOptions | null;
  readonly padding: PaddingOptions | null;
  /** Which share of merges is left out where the options do not say: `model.dropout` of tokenizer.json, null in nearly all. */
  readonly dropout: number | null;
  /** For `applyChatTemplate`; may be set to a template of one's own. */
  chat: ChatFormat | null = null;
  /** The number of ids: the highest plus one. */
  readonly vocabSize: number;
  /** How texts are split, where it is not as the pre-tokenizer says. */
  readonly splitter: Splitter | RegExp | undefined;
  readonly #process: PostProcessor;
  readonly #encoder: TextIdEncoder;
  readonly #decoder: TokenDecoder;
  readonly #addedIds = new Map<string, number>();
  readonly #ids = new IdBuffer();
  readonly #blanks = new TokenBlanks((id) => this.idToToken(id) ?? '');

  /** @throws TokenizerFormatError naming a component, or a setting of one, that is wrong. */
  constructor(parts: TokenizerParts) {
    this.model = parts.model;
    this.normalizer = parts.normalizer ?? null;
    this.preTokenizer = parts.preTokenizer ?? null;
    this.postProcessor = parts.postProcessor ?? null;
    this.decoder = parts.decoder ?? null;
    this.truncation = parts.truncation ?? null;
    this.padding = parts.padding ?? null;
    this.dropout = parts.dropout ?? null;
    this.splitter = parts.splitter;
    this.addedTokens = parts.addedTokens ?? [];
    const { model, normalizer, preTokenizer, splitter, addedTokens } = this;
    const normalize = normalizer && readNormalizer('normalizer', normalizer);
    const split = preTokenizer && readPreTokenizer('pre_tokenizer', preTokenizer, model instanceof BPE);
    this.#process = readPostProcessor('post_processor', this.postProcessor);
    const makeDecoder = readDecoder('decoder', this.decoder);
    let size = model.vocabSize;
    for (const token of addedTokens) {
      this.#addedIds.set(token.content, token.id);
      size = Math.max(size, token.id + 1);
    }
    this.vocabSize = size;
    const tokenOf = (id: number): string => this.idToToken(id) ?? '';
    this.#encoder = new TextIdEncoder({
      model,
      addedTokens,
      normalizer,
      normalize,
      preTokenizer,
      split,
      splitter,
      tokenOf,
    });
    this.#decoder = new TokenDecoder({
      model,
      addedTokens: new Map(addedTokens.map((token) => [token.id, token])),
      vocabSize: size,
      makeDecoder,
      joinsBytes: this.decoder?.type === 'ByteLevel',
    });
  }

  /** The ids of a text, or of two. Lone surrogates count as U+FFFD, as in UTF-8 encoders. The file's truncation applies, its padding does not. */
  encode(input: string | TextPair, given: EncodeOptions = {}): Int32Array {
    const options = this.#withDropout(given);
    if (typeof input !== 'string' || this.truncation || options.dropout !== undefined || options.sampling)
      return Int32Array.from(this.#encoding(input, options).ids);
    const ids = this.#ids;
    ids.clear();
    const template = options.addSpecialTokens === false ? null : this.#process.template;
    for (const part of template?.single ?? TEXT_ALONE)
      if ('sequence' in part) this.#encoder.ids(input, ids, options);
      else for (const id of part.ids) ids.push(id);
    return ids.toArray();
  }

  /**
   * Encodes a text that comes in parts; the ids joined are those of the whole. The last word or so is held back.
   * @throws RangeError where ids depend on text that is arbitrarily far away, as under truncation.
   */
  encodeStream(options: EncodeOptions = {}): EncodeStream {
    const template = this.#process.template?.single ?? TEXT_ALONE;
    return encodeStream(this, template, (parts) => new Tokenizer(parts), this.#withDropout(options));
  }

  /** How many ids `encode` gives. */
  countTokens(input: string | TextPair, options: EncodeOptions = {}): number {
    return this.encode(input, options).length;
  }

  /**
   * Ids and where each comes from, as `encoding` gives them, in typed arrays: for byte-level models several times as fast. The
   * file's truncation applies, its padding does not.
   */
  encodeWithOffsets(text: string, given: OffsetsOptions = {}): IdsWithOffsets {
    const options = this.#withDropout(given);
    const lengths = this.truncation ? null : this.#encoder.lengthsFor(options);
    const wellFormed = text.isWellFormed() ? text : text.toWellFormed();
    if (!lengths) return inTypedArrays(this.#encoding(text, options));
    const ids = new IdBuffer();
    const offsets = new IdBuffer();
    const { template, trims } = this.#process;
    for (const part of (options.addSpecialTokens === false ? null : template?.single) ?? TEXT_ALONE) {
      const first = ids.length;
      if ('ids' in part) {
        for (const id of part.ids) ids.push(id);
        for (let i = 0; i < 2 * part.ids.length; i++) offsets.push(0);
        continue;
      }
      this.#encoder.withOffsets(wellFormed, lengths, options, ids, offsets);
      for (const trim of trims) this.#blanks.trim(ids, offsets, first, trim.addPrefixSpace);
    }
    const all = offsets.toArray();
    const positions = positionsOf(wellFormed, options.offsets ?? 'utf16');
    if (positions) for (let i = 0; i < all.length; i++) all[i] = positions[all[i]!]!;
    return { ids: ids.toArray(), offsets: all };
  }

  /**
   * The `count` likeliest ways to split a text by a SentencePiece unigram model, the likeliest first, each with its log probability
   * up to a constant.
   * @throws RangeError where the model is another one, or for a count outside of 1 to 1024.
   */
  nBest(text: string, count: number): { ids: Int32Array; score: number }[] {
    if (!(Number.isInteger(count) && count >= 1 && count <= 1024))
      throw new RangeError(`nBest: expected a count from 1 to 1024, got ${count}`);
    if (!(this.model instanceof SentencePiece))
      throw new RangeError('nBest: the model is no unigram model of SentencePiece');
    const bytes = new TextEncoder().encode(text.toWellFormed());
    return this.model.nBest(bytes, bytes.length, count);
  }

  /** Ids with tokens, offsets, masks, and what truncation cut off. The file's truncation and padding apply unless others are given. */
  encoding(input: string | TextPair, options: EncodingOptions = {}): Encoding {
    return this.encodeBatch([input], options)[0]!;
  }

  /** The same for several texts, padded together. */
  encodeBatch(inputs: readonly (string | TextPair)[], options: EncodingOptions = {}): Encoding[] {
    const drawn = this.#withDropout(options);
    const encodings = inputs.map((input) => this.#encoding(input, drawn));
    const padding = options.padding === undefined ? this.padding : options.padding;
    if (padding) pad(encodings, padding);
    return encodings;
  }

  #withDropout<T extends EncodeOptions>(options: T): T {
    return this.dropout === null || options.dropout !== undefined ? options : { ...options, dropout: this.dropout };
  }

  #encoding(input: string | TextPair, options: EncodingOptions): Encoding {
    const texts = typeof input === 'string' ? [input] : [input.text, input.pair];
    let encodings = texts.map((text, i) => this.#encoder.encoding(text, i, options));
    const { template, trims } = this.#process;
    const addSpecial = options.addSpecialTokens !== false;
    const parts: readonly TemplatePart[] =
      (texts.length === 1 ? template?.single : template?.pair) ?? (texts.length === 1 ? TEXT_ALONE : BOTH_TEXTS);
    const deep = addSpecial && this.#process.typesOverflow === true;
    const added = addSpecial ? parts.reduce((sum, part) => sum + ('ids' in part ? part.ids.length : 0), 0) : 0;
    const limit = options.truncation === undefined ? this.truncation : options.truncation;
    if (limit) encodings = truncate(encodings, limit.maxLength - added, limit);
    for (const trim of trims) for (const e of encodings) trimOffsets(e, trim.addPrefixSpace);
    let all: Encoding | null = null;
    for (const part of parts) {
      if ('ids' in part && !addSpecial) continue;
      const next = 'ids' in part ? specialEncoding(part) : withType(encodings[part.sequence]!, part.typeId, deep);
      all = all ? mergeEncodings(all, next) : next;
    }
    const result = all ?? emptyEncoding();
    convertOffsets(result, texts, options.offsets ?? 'utf16');
    return result;
  }

  /**
   * The text of ids; bytes that are no UTF-8 give U+FFFD.
   * @throws RangeError naming an id that the vocabulary does not have.
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    return this.#decoder.decode(ids, options);
  }

  /** Decodes one id at a time; the pieces joined are what `decode` gives for all of them. */
  decodeStream(options: DecodeOptions = {}): DecodeStream {
    return this.#decoder.stream(options);
  }

  tokenToId(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.model.tokenToId(token);
  }

  /** The token as the vocabulary writes it. */
  idToToken(id: number): string | undefined {
    return this.#decoder.idToToken(id);
  }
}

const TEXT_ALONE: readonly TemplatePart[] = [{ sequence: 0, typeId: 0 }];
const BOTH_TEXTS: readonly TemplatePart[] = [
  { sequence: 0, typeId: 0 },
  { sequence: 1, typeId: 1 },
];
