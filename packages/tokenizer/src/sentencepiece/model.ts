import { byteToken } from '../byte-token.ts';
import { DoubleArray } from '../double-array.ts';
import { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { compactBytes } from '../models/blanks.ts';
import { bpeSegment, type Segment } from './bpe.ts';
import { PIECE, type SentencePieceFile } from './model-file.ts';
import { SentencePieceNormalizer } from './normalizer.ts';
import { SentencePieceFormatError } from './protobuf.ts';
import { unigramWords, unknownPieces } from './unigram.ts';

const encoder = new TextEncoder();

/**
 * A SentencePiece model with its own normalizer (https://arxiv.org/abs/1808.06226): unigram models as its C++ library computes
 * them, in float32, and BPE by the pieces' scores.
 */
export class SentencePiece implements Model {
  readonly file: SentencePieceFile;
  readonly vocabSize: number;
  readonly #ids = new Map<string, number>();
  readonly #unknown: number;
  readonly #normalizer: SentencePieceNormalizer;
  readonly #segment: Segment;
  readonly #stops = new IdBuffer();

  /** @throws SentencePieceFormatError for kinds of models and pieces that are not supported, and for one without an unknown piece. */
  constructor(file: SentencePieceFile) {
    this.file = file;
    const { pieces, byteFallback, normalizer, treatWhitespaceAsSuffix: suffix } = file;
    this.vocabSize = pieces.length;
    // Where a text is spelled twice, normal pieces give way to the reserved ones, as in the reference.
    for (const [id, { piece, type }] of pieces.entries()) if (inText(type)) this.#ids.set(piece, id);
    for (const [id, { piece, type }] of pieces.entries()) if (!inText(type)) this.#ids.set(piece, id);
    this.#unknown = pieces.findIndex(({ type }) => type === PIECE.unknown);
    if (this.#unknown < 0) throw new SentencePieceFormatError('pieces: none of them is the unknown piece');
    if (file.denormalizer && file.denormalizer.precompiledCharsmap.length > 0)
      throw new SentencePieceFormatError('denormalizer_spec: denormalizers are not supported');
    const bytes = byteFallback ? this.#byteIds() : new Int32Array(0);
    const ofUsers = [...pieces.entries()].filter(([, { type }]) => type === PIECE.userDefined);
    const own = (write: (piece: string) => Uint8Array): DoubleArray | null =>
      ofUsers.length > 0 ? new DoubleArray(ofUsers.map(([id, { piece }]) => [write(piece), id])) : null;
    this.#normalizer = new SentencePieceNormalizer(normalizer, {
      suffix,
      own: own((piece) => encoder.encode(piece)),
      compact: true,
    });
    if (file.modelType === 'unigram') {
      const words = unigramWords(file, unknownPieces(this.#unknown, bytes));
      this.#segment = (...text) => words.encode(...text);
    } else this.#segment = this.#bpe(own(compactBytes));
  }

  #byteIds(): Int32Array {
    return Int32Array.from({ length: 256 }, (_, byte) => {
      const id = this.#ids.get(byteToken(byte));
      if (id === undefined || this.file.pieces[id]!.type !== PIECE.byte)
        throw new SentencePieceFormatError(`pieces: byte_fallback is set, but ${byteToken(byte)} is missing`);
      return id;
    });
  }

  #bpe(own: DoubleArray | null): Segment {
    const { pieces, modelType } = this.file;
    if (modelType !== 'bpe') throw new SentencePieceFormatError(`trainer_spec: ${modelType} models are not supported`);
    const unused = pieces.findIndex(({ type }) => type === PIECE.unused);
    if (unused >= 0)
      throw new SentencePieceFormatError(`pieces[${unused}]: unused pieces of a BPE model are not supported`);
    return bpeSegment(this.file, this.#ids, pieces[this.#unknown]!.piece, own);
  }

  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    if (ends) {
      this.encodeSpans(bytes, start, end, ids, new IdBuffer(), ends);
      return;
    }
    this.#normalizer.normalize(start === 0 ? bytes : bytes.subarray(start, end), end - start);
    const { text } = this.#normalizer;
    this.#segment(text, 0, text.length, ids);
  }

  /**
   * The same, with the bytes of the text as it was given that each id stands for: a blank that was put before the text has none, and
   * of the ids of a character's bytes the last one has the character.
   */
  encodeSpans(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, begins: IdBuffer, ends: IdBuffer): void {
    const stops = this.#stops;
    stops.clear();
    const first = ids.length;
    this.#normalizer.normalize(start === 0 ? bytes : bytes.subarray(start, end), end - start, { track: true });
    const { text, origins } = this.#normalizer;
    this.#segment(text, 0, text.length, ids, stops);
    for (let i = 0, from = 0; i < ids.length - first; i++) {
      begins.push(start + origins[from]!);
      from = stops.values[i]!;
      ends.push(start + origins[from]!);
    }
  }

  /**
   * Appends the ids of a part of a text, which ends with the text or before a blank behind a character that is kept.
   * @param goesOn whether a part of the text came before.
   * @param sum what the part before gave.
   */
  encodePart(bytes: Uint8Array, goesOn: boolean, sum: number, ids: IdBuffer): number {
    this.#normalizer.normalize(bytes, bytes.length, { goesOn });
    const { text } = this.#normalizer;
    return this.#segment(text, 0, text.length, ids, undefined, sum);
  }

  /** Whether the normalizer leaves something of a character that is no white space, whatever follows but more of the same word. */
  keeps(character: string): boolean {
    return this.#normalizer.keeps(character);
  }

  /** Whether a rule of the normalizer has a blank behind other characters. */
  get rulesCrossBlanks(): boolean {
    return this.#normalizer.rulesCrossBlanks;
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.file.pieces[id]?.piece;
  }
}

const inText = (type: number): boolean => type === PIECE.normal || type === PIECE.userDefined || type === PIECE.unused;
