import { type AddedToken, AddedTokenMatcher } from './added-tokens.ts';
import { BertWords } from './bert-words.ts';
import { BPE } from './bpe.ts';
import { dropoutOf, randomOf } from './bpe-dropout.ts';
import { tokenBytes } from './byte-characters.ts';
import { ByteDecoder } from './byte-decoder.ts';
import { ByteEncoder } from './byte-encoder.ts';
import { type Decoder, readDecoder } from './decoders/index.ts';
import { StagedText } from './decoders/staged-text.ts';
import {
  convertOffsets,
  type Encoding,
  emptyEncoding,
  type IdsWithOffsets,
  inTypedArrays,
  mergeEncodings,
  positionsOf,
} from './encoding.ts';
import { encodingOf, specialEncoding, unitsOfBytes, withType } from './encoding-parts.ts';
import type { Spec } from './format.ts';
import { IdBuffer } from './id-buffer.ts';
import type { Draw, Model } from './model.ts';
import { MetaspaceWords } from './models/metaspace-words.ts';
import { Unigram } from './models/unigram.ts';
import { preTokenizerSplitter } from './named-splitters.ts';
import { Normalized } from './normalized.ts';
import { type Normalizer, readNormalizer } from './normalizers/index.ts';
import { type PostProcessor, readPostProcessor, type TemplatePart } from './post-processors/index.ts';
import { type PreTokenizer, readPreTokenizer } from './pre-tokenizers/index.ts';
import { cutWith, type Splitter } from './pre-tokenizers/splitter.ts';
import { checkSampling } from './sampling.ts';
import { SentencePiece } from './sentencepiece/model.ts';
import { type EncodeStream, encodeStream } from './stream/encode-stream.ts';
import { TokenBlanks, trimOffsets } from './token-blanks.ts';
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

/** A stretch of text between added tokens, or (id ≥ 0) an added token. */
interface Piece {
  readonly text: Normalized;
  readonly id: number;
}

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
  /** For `applyChatTemplate`; may be set to a template of one's own. */
  chat: ChatFormat | null = null;
  /** The number of ids: the highest plus one. */
  readonly vocabSize: number;
  /** How texts are split, where it is not as the pre-tokenizer says. */
  readonly splitter: Splitter | RegExp | undefined;
  /** The short way from text to ids, where a model takes pieces of the text as it is. */
  readonly #direct: ByteEncoder | null;
  readonly #prefixed: boolean;
  /** Whether the short way normalizes too. */
  readonly #directNormalizes: boolean;
  /** The same for a model of words that begin with a blank. */
  readonly #words: MetaspaceWords | null;
  #byteDecoder: ByteDecoder | null = null;
  readonly #normalize: Normalizer | null;
  /** Whether the pre-tokenizer asks where in the text a normalized piece begins. */
  readonly #asksForOrigin: boolean;
  readonly #split: PreTokenizer | null;
  readonly #process: PostProcessor;
  readonly #makeDecoder: Decoder;
  readonly #raw: AddedTokenMatcher;
  readonly #normalized: AddedTokenMatcher;
  readonly #added = new Map<number, AddedToken>();
  readonly #addedIds = new Map<string, number>();
  readonly #special = new Set<string>();
  readonly #specialIds = new Set<number>();
  readonly #ids = new IdBuffer();
  readonly #blanks = new TokenBlanks((id) => this.idToToken(id) ?? '');
  readonly #encoder = new TextEncoder();
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);

  /** @throws TokenizerFormatError naming a component, or a setting of one, that is wrong. */
  constructor(parts: TokenizerParts) {
    this.model = parts.model;
    this.normalizer = parts.normalizer ?? null;
    this.preTokenizer = parts.preTokenizer ?? null;
    this.postProcessor = parts.postProcessor ?? null;
    this.decoder = parts.decoder ?? null;
    this.truncation = parts.truncation ?? null;
    this.padding = parts.padding ?? null;
    this.#normalize = this.normalizer && readNormalizer('normalizer', this.normalizer);
    this.#asksForOrigin = this.#normalize !== null && JSON.stringify(this.preTokenizer).includes('"first"');
    const { model, preTokenizer, splitter } = parts;
    const rawBytes = model instanceof BPE;
    const split = this.preTokenizer && readPreTokenizer('pre_tokenizer', this.preTokenizer, rawBytes);
    this.splitter = splitter;
    this.#split = splitter ? (text) => cutWith(text, splitter) : split;
    this.#prefixed = !splitter && preTokenizer?.type === 'ByteLevel' && preTokenizer.add_prefix_space !== false;
    this.#words = model instanceof Unigram && !splitter ? MetaspaceWords.of(model, this.preTokenizer) : null;
    this.#process = readPostProcessor('post_processor', this.postProcessor);
    this.#makeDecoder = readDecoder('decoder', this.decoder);
    this.addedTokens = parts.addedTokens ?? [];
    let size = this.model.vocabSize;
    for (const token of this.addedTokens) {
      this.#added.set(token.id, token);
      this.#addedIds.set(token.content, token.id);
      if (token.special) {
        this.#special.add(token.content);
        this.#specialIds.add(token.id);
      }
      size = Math.max(size, token.id + 1);
    }
    this.vocabSize = size;
    this.#raw = new AddedTokenMatcher(this.addedTokens.filter((token) => !token.normalized));
    this.#normalized = new AddedTokenMatcher(
      this.addedTokens
        .filter((token) => token.normalized)
        .map((token) => ({ ...token, content: this.#normalizedText(token.content) })),
    );
    this.#direct = this.#directEncoder();
    this.#directNormalizes = this.#direct !== null && !rawBytes;
  }

  #directEncoder(): ByteEncoder | null {
    const { model, preTokenizer, splitter } = this;
    if (model instanceof BPE && preTokenizer) {
      const split = splitter ?? preTokenizerSplitter(preTokenizer);
      if (split || preTokenizer.type === 'ByteLevel') return new ByteEncoder(model, split);
    }
    const isBert = this.normalizer?.type === 'BertNormalizer' && preTokenizer?.type === 'BertPreTokenizer' && !splitter;
    if (!isBert || this.addedTokens.some((token) => token.normalized)) return null;
    const words = new BertWords(model, this.#normalize!, this.#split!);
    return new ByteEncoder(words, words.split);
  }

  #normalizedText(content: string): string {
    const text = Normalized.of(content, 0, false);
    this.#normalize?.(text);
    return text.text;
  }

  /** The ids of a text, or of two. Lone surrogates count as U+FFFD, as in UTF-8 encoders. The file's truncation applies, its padding does not. */
  encode(input: string | TextPair, options: EncodeOptions = {}): Int32Array {
    if (typeof input !== 'string' || this.truncation || options.dropout !== undefined || options.sampling)
      return Int32Array.from(this.#encoding(input, options).ids);
    const ids = this.#ids;
    ids.clear();
    const template = options.addSpecialTokens === false ? null : this.#process.template;
    for (const part of template?.single ?? TEXT_ALONE)
      if ('sequence' in part) this.#encodeText(input, ids, options);
      else for (const id of part.ids) ids.push(id);
    return ids.toArray();
  }

  /**
   * Encodes a text that comes in parts; the ids joined are those of the whole. The last word or so is held back.
   * @throws RangeError where ids depend on text that is arbitrarily far away, as under truncation.
   */
  encodeStream(options: EncodeOptions = {}): EncodeStream {
    const template = this.#process.template?.single ?? TEXT_ALONE;
    return encodeStream(this, template, (parts) => new Tokenizer(parts), options);
  }

  /** How many ids `encode` gives. */
  countTokens(input: string | TextPair, options: EncodeOptions = {}): number {
    return this.encode(input, options).length;
  }

  /**
   * Ids and where each comes from, as `encoding` gives them, in typed arrays: for byte-level models several times as fast. The
   * file's truncation applies, its padding does not.
   */
  encodeWithOffsets(text: string, options: OffsetsOptions = {}): IdsWithOffsets {
    const lengths = this.truncation ? null : this.#lengthsFor(options);
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
      this.#encodeShort(wellFormed, lengths, options, ids, offsets);
      for (const trim of trims) this.#blanks.trim(ids, offsets, first, trim.addPrefixSpace);
    }
    const all = offsets.toArray();
    const positions = positionsOf(wellFormed, options.offsets ?? 'utf16');
    if (positions) for (let i = 0; i < all.length; i++) all[i] = positions[all[i]!]!;
    return { ids: ids.toArray(), offsets: all };
  }

  /** Id → bytes of its token, where the short way tells offsets; otherwise null. */
  #lengthsFor({ dropout, sampling }: EncodeOptions): Int32Array | null {
    if (!(this.model instanceof BPE && this.#direct) || this.#normalize || this.#prefixed) return null;
    return this.splitter instanceof RegExp || dropout !== undefined || sampling ? null : this.model.lengths;
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
    const bytes = this.#encoder.encode(text.toWellFormed());
    return this.model.nBest(bytes, bytes.length, count);
  }

  #encodeText(text: string, ids: IdBuffer, options: EncodeOptions): void {
    for (const { text: piece, id } of this.#pieces(text, false, options))
      if (id >= 0) ids.push(id);
      else if (this.#direct)
        this.#direct.encode(this.#prefixed && !piece.text.startsWith(' ') ? ` ${piece.text}` : piece.text, ids);
      else if (this.#words) this.#words.encode(piece.text, ids);
      else this.#encodePiece(piece.text, ids);
  }

  /** The seam between pieces and the model. */
  #encodePiece(piece: string, ids: IdBuffer, ends?: IdBuffer, draw: Draw = {}, begins: IdBuffer | null = null): void {
    if (this.#bytes.length < piece.length * 3) this.#bytes = new Uint8Array(piece.length * 6);
    const { written } = this.#encoder.encodeInto(piece, this.#bytes);
    const { dropout, sampling } = draw;
    if (begins && ends && this.model.encodeSpans)
      this.model.encodeSpans(this.#bytes, 0, written, ids, begins, ends, draw);
    else if (sampling) throw new RangeError('sampling: the model is no unigram model of SentencePiece');
    else if (!dropout) this.model.encode(this.#bytes, 0, written, ids, ends);
    else if (this.model instanceof BPE) this.model.encodeWithDropout(this.#bytes, 0, written, dropout, ids, ends);
    else throw new RangeError('dropout: the model is no BPE over bytes or of SentencePiece');
  }

  /** What the model and the added tokens get of a text. */
  #pieces(source: string, track: boolean, { specialTokens = 'allow' }: EncodeOptions): Piece[] {
    const text = source.isWellFormed() ? source : source.toWellFormed();
    const pieces: Piece[] = [];
    const skip = specialTokens === 'text' ? this.#special : null;
    const take = (matcher: AddedTokenMatcher, all: Normalized, rest: (part: Normalized) => void): void => {
      for (const { start, end, id } of matcher.split(all.text, skip)) {
        const part = all.slice(start, end);
        if (id < 0) rest(part);
        else pieces.push({ text: part, id });
        if (id >= 0 && specialTokens === 'refuse' && this.#special.has(this.#added.get(id)!.content))
          throw new RangeError(
            `the text contains the special token ${JSON.stringify(this.#added.get(id)!.content)} at ${start}`,
          );
      }
    };
    const direct = this.#direct !== null && !track;
    take(this.#raw, Normalized.of(text, 0, track || this.#asksForOrigin), (raw) => {
      if (!direct || !this.#directNormalizes) this.#normalize?.(raw);
      take(this.#normalized, raw, (part) => {
        if (!this.#split || direct || (this.#words && !track)) pieces.push({ text: part, id: -1 });
        else for (const piece of this.#split(part)) if (piece.text !== '') pieces.push({ text: piece, id: -1 });
      });
    });
    return pieces;
  }

  /** Ids with tokens, offsets, masks, and what truncation cut off. The file's truncation and padding apply unless others are given. */
  encoding(input: string | TextPair, options: EncodingOptions = {}): Encoding {
    return this.encodeBatch([input], options)[0]!;
  }

  /** The same for several texts, padded together. */
  encodeBatch(inputs: readonly (string | TextPair)[], options: EncodingOptions = {}): Encoding[] {
    const encodings = inputs.map((input) => this.#encoding(input, options));
    const padding = options.padding === undefined ? this.padding : options.padding;
    if (padding) pad(encodings, padding);
    return encodings;
  }

  #encoding(input: string | TextPair, options: EncodingOptions): Encoding {
    const texts = typeof input === 'string' ? [input] : [input.text, input.pair];
    let encodings = texts.map((text, i) => this.#textEncoding(text, i, options));
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

  #textEncoding(text: string, sequence: number, options: EncodeOptions): Encoding {
    const lengths = this.#lengthsFor(options);
    if (lengths) return this.#shortEncoding(text, sequence, lengths, options);
    const e = emptyEncoding();
    const ids = new IdBuffer();
    const ends = new IdBuffer();
    const begins = new IdBuffer();
    const seed = (options.seed ?? 0) + sequence;
    const asked = options.dropout === undefined ? null : dropoutOf(options.dropout, seed);
    const dropout = asked?.rate === 0 ? null : asked;
    if (options.sampling) checkSampling(options.sampling);
    const sampling = options.sampling ? { ...options.sampling, random: randomOf(seed) } : null;
    this.#pieces(text, true, options).forEach(({ text: piece, id }, word) => {
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
      this.#encodePiece(piece.text, ids, ends, { dropout, sampling }, begins);
      const units = unitsOfBytes(piece.text);
      const { spellsUnknown, unkId } = this.model;
      for (let i = 0, from = 0, done = 0; i < ids.length; i++) {
        const to = ends.values[i]!;
        if (begins.length > 0) from = begins.values[i]!;
        else if (to > done || !spellsUnknown) from = done; // bytes of an unknown text share it
        done = to;
        const last = to > from ? units[to - 1]! + 1 : units[from]!;
        const token = ids.values[i]!;
        const spelled = spellsUnknown && token === unkId ? piece.text.slice(units[from], last) : undefined;
        put(token, spelled ?? this.model.idToToken(token) ?? '', units[from]!, last);
      }
    });
    return e;
  }

  /** The same by the short way. */
  #shortEncoding(text: string, sequence: number, lengths: Int32Array, options: EncodeOptions): Encoding {
    const [ids, offsets, words] = [new IdBuffer(), new IdBuffer(), new IdBuffer()];
    this.#encodeShort(text, lengths, options, ids, offsets, words);
    return encodingOf({ ids, offsets, words, sequence, tokenOf: (id) => this.idToToken(id) ?? '' });
  }

  /** Appends the ids of a text with their offsets, and with the numbers of their words where these are wanted. */
  #encodeShort(
    text: string,
    lengths: Int32Array,
    options: EncodeOptions,
    ids: IdBuffer,
    offsets: IdBuffer,
    words?: IdBuffer,
  ): void {
    let word = 0;
    for (const { text: piece, id } of this.#pieces(text, false, options))
      if (id < 0) word = this.#direct!.encodeWithOffsets(piece.text, piece.origin, lengths, ids, offsets, words, word);
      else {
        ids.push(id);
        words?.push(word++);
        offsets.push(piece.origin);
        offsets.push(piece.origin + piece.text.length);
      }
  }

  /**
   * The text of ids; bytes that are no UTF-8 give U+FFFD.
   * @throws RangeError naming an id that the vocabulary does not have.
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    if (this.decoder?.type === 'ByteLevel')
      return this.#tokenBytes().decode(ids, options.skipSpecialTokens !== false, (id) => this.#missing(id));
    const stream = this.decodeStream(options);
    let text = '';
    for (let i = 0; i < ids.length; i++) text += stream.push(ids[i]!);
    return text + stream.end();
  }

  /** Decodes one id at a time; the pieces joined are what `decode` gives for all of them. */
  decodeStream({ skipSpecialTokens = true }: DecodeOptions = {}): DecodeStream {
    const text = new StagedText(this.#makeDecoder());
    return {
      push: (id) => {
        const token = this.idToToken(id);
        if (token === undefined) return this.#missing(id);
        return skipSpecialTokens && this.#special.has(token) ? '' : text.push(token);
      },
      end: () => text.end(),
    };
  }

  #tokenBytes(): ByteDecoder {
    const { model } = this;
    this.#byteDecoder ??= new ByteDecoder(
      this.vocabSize,
      (id) => {
        const added = this.#added.get(id);
        if (added) return tokenBytes(added.content);
        if (model instanceof BPE) return model.tokenBytes(id);
        const token = model.idToToken(id);
        return token === undefined ? undefined : tokenBytes(token);
      },
      this.#specialIds,
    );
    return this.#byteDecoder;
  }

  #missing(id: number): never {
    throw new RangeError(`there is no token ${id}: the vocabulary has the ids 0 to ${this.vocabSize - 1}`);
  }

  tokenToId(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.model.tokenToId(token);
  }

  /** The token as the vocabulary writes it. */
  idToToken(id: number): string | undefined {
    return this.#added.get(id)?.content ?? this.model.idToToken(id);
  }
}

const TEXT_ALONE: readonly TemplatePart[] = [{ sequence: 0, typeId: 0 }];
const BOTH_TEXTS: readonly TemplatePart[] = [
  { sequence: 0, typeId: 0 },
  { sequence: 1, typeId: 1 },
];
