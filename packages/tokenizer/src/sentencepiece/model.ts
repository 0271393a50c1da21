import { byteToken } from '../byte-token.ts';
import { DoubleArray } from '../double-array.ts';
import { IdBuffer } from '../id-buffer.ts';
import type { Draw, Model } from '../model.ts';
import { compactBytes } from '../models/blanks.ts';
import type { Sampling } from '../sampling.ts';
import { ScoredBPE, type Segment } from './bpe.ts';
import { Lattice, type LatticeOptions, type LatticePath } from './lattice.ts';
import { PIECE, type SentencePieceFile } from './model-file.ts';
import { SentencePieceNormalizer } from './normalizer.ts';
import { SentencePieceFormatError } from './protobuf.ts';
import { latticeOptions, unigramWords, unknownPieces } from './unigram.ts';
import { characterSegment, wordSegment } from './units.ts';
import { unusedPiecesSegment } from './unused-bpe.ts';

const encoder = new TextEncoder();

/**
 * A SentencePiece model with its own normalizer (https://arxiv.org/abs/1808.06226): unigram models as its C++ library computes
 * them, in float32, BPE by the pieces' scores, and models of words and of characters.
 */
export class SentencePiece implements Model {
  readonly file: SentencePieceFile;
  readonly vocabSize: number;
  readonly #ids = new Map<string, number>();
  readonly #unknown: number;
  readonly #normalizer: SentencePieceNormalizer;
  readonly #segment: Segment;
  readonly #bpe: ScoredBPE | null;
  /** Byte → id; empty without byte fallback. */
  readonly #bytes: Int32Array;
  readonly #stops = new IdBuffer();

  /** @throws SentencePieceFormatError for a model without an unknown piece, or with a denormalizer. */
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
    this.#bytes = byteFallback ? this.#byteIds() : new Int32Array(0);
    const ofUsers = [...pieces.entries()].filter(([, { type }]) => type === PIECE.userDefined);
    const own = (write: (piece: string) => Uint8Array): DoubleArray | null =>
      ofUsers.length > 0 ? new DoubleArray(ofUsers.map(([id, { piece }]) => [write(piece), id])) : null;
    this.#normalizer = new SentencePieceNormalizer(normalizer, {
      suffix,
      own: own((piece) => encoder.encode(piece)),
      compact: true,
    });
    const unknown = unknownPieces(this.#unknown, this.#bytes);
    const ids = new Map([...pieces.entries()].flatMap(([id, { piece, type }]) => (inText(type) ? [[piece, id]] : [])));
    const units = { ids, unknown };
    if (file.modelType === 'unigram') {
      const words = unigramWords(file, unknown);
      this.#segment = (...text) => words.encode(...text);
      this.#bpe = null;
    } else if (file.modelType === 'word' || file.modelType === 'char') {
      this.#segment = file.modelType === 'word' ? wordSegment(units) : characterSegment(units, own(compactBytes));
      this.#bpe = null;
    } else if (pieces.some(({ type }) => type === PIECE.unused)) {
      this.#segment = unusedPiecesSegment(file, units, own(compactBytes));
      this.#bpe = null;
    } else {
      const bpe = new ScoredBPE(file, this.#ids, pieces[this.#unknown]!.piece, own(compactBytes));
      this.#segment = (text, start, end, ids, ends) => {
        bpe.encode(text, start, end, ids, ends);
        return 0;
      };
      this.#bpe = bpe;
    }
  }

  #byteIds(): Int32Array {
    return Int32Array.from({ length: 256 }, (_, byte) => {
      const id = this.#ids.get(byteToken(byte));
      if (id === undefined || this.file.pieces[id]!.type !== PIECE.byte)
        throw new SentencePieceFormatError(`pieces: byte_fallback is set, but ${byteToken(byte)} is missing`);
      return id;
    });
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
  encodeSpans(
    bytes: Uint8Array,
    start: number,
    end: number,
    ids: IdBuffer,
    begins: IdBuffer,
    ends: IdBuffer,
    draw: Draw = {},
  ): void {
    const { dropout, sampling } = draw;
    if (dropout && !this.#bpe)
      throw new RangeError(`dropout: the model is no BPE without unused pieces; sampling draws from a unigram model`);
    if (sampling && this.file.modelType !== 'unigram')
      throw new RangeError('sampling: the model is no unigram model; dropout draws from a BPE');
    const stops = this.#stops;
    stops.clear();
    const first = ids.length;
    this.#normalizer.normalize(start === 0 ? bytes : bytes.subarray(start, end), end - start, { track: true });
    const { text, origins } = this.#normalizer;
    if (dropout) this.#bpe!.encodeWithDropout(text, dropout, ids, stops);
    else if (sampling) this.#append(this.#draw(sampling), ids, stops);
    else this.#segment(text, 0, text.length, ids, stops);
    for (let i = 0, from = 0; i < ids.length - first; i++) {
      begins.push(start + origins[from]!);
      from = stops.values[i]!;
      ends.push(start + origins[from]!);
    }
  }

  /**
   * The `count` likeliest ways to encode a text, the likeliest first, each with the sum of its pieces' scores.
   * @throws RangeError where the model is no unigram model.
   */
  nBest(bytes: Uint8Array, end: number, count: number): { ids: Int32Array; score: number }[] {
    if (this.file.modelType !== 'unigram') throw new RangeError('nBest: the model is no unigram model');
    this.#normalizer.normalize(bytes, end);
    return this.#lattice()
      .best(count)
      .map((path) => {
        const ids = new IdBuffer();
        this.#append(path, ids, new IdBuffer());
        return { ids: ids.toArray(), score: path.score };
      });
  }

  /** Of the text that was normalized last. */
  #lattice(): Lattice {
    const { bytes, length } = this.#normalizer.text;
    this.#latticeOptions ??= latticeOptions(this.file);
    return new Lattice(bytes, length, this.#latticeOptions);
  }

  #latticeOptions: LatticeOptions | null = null;

  #draw({ alpha, nbestSize, random }: Sampling): LatticePath {
    const lattice = this.#lattice();
    if (nbestSize === undefined) return lattice.sample(alpha, random);
    const paths = lattice.best(nbestSize);
    const weights = paths.map(({ score }) => Math.exp(alpha * (score - paths[0]!.score)));
    let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
    const chosen = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    return paths[Math.max(0, chosen)]!;
  }

  #append({ pieces, ends }: LatticePath, ids: IdBuffer, stops: IdBuffer): void {
    const unknown = unknownPieces(this.#unknown, this.#bytes);
    for (let i = 0; i < pieces.length; i++) {
      if (pieces[i]! >= 0) {
        ids.push(pieces[i]!);
        stops.push(ends[i]!);
        continue;
      }
      const from = i > 0 ? ends[i - 1]! : 0;
      while (i + 1 < pieces.length && pieces[i + 1]! < 0) i++; // those that follow are part of it
      unknown(this.#normalizer.text.bytes, from, ends[i]!, ids, stops);
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
