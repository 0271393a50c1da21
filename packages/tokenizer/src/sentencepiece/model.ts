import { byteToken } from '../byte-token.ts';
import { DoubleArray } from '../double-array.ts';
import type { IdBuffer } from '../id-buffer.ts';
import type { Model } from '../model.ts';
import { BestPath, UNKNOWN_PENALTY } from '../models/best-path.ts';
import { CharacterBPE } from '../models/character-bpe.ts';
import { PIECE, type SentencePieceFile } from './model-file.ts';
import { characterSize, SentencePieceNormalizer } from './normalizer.ts';
import { SentencePieceFormatError } from './protobuf.ts';

/** C++'s FLT_MIN, with which the reference begins to look for the largest score. */
const LEAST_FLOAT = 2 ** -126;
const encoder = new TextEncoder();

/** Appends the ids of normalized text. */
type Segment = (bytes: Uint8Array, end: number, ids: IdBuffer) => void;

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
  /** Byte → id; empty without byte fallback. */
  readonly #bytes: Int32Array;

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
    this.#bytes = byteFallback ? this.#byteIds() : new Int32Array(0);
    const own = pieces.flatMap(({ piece, type }, id) =>
      type === PIECE.userDefined ? ([[encoder.encode(piece), id]] as const) : [],
    );
    const trie = own.length > 0 ? new DoubleArray(own) : null;
    const match = trie && ((bytes: Uint8Array, start: number, end: number) => longest(trie, bytes, start, end)[0]);
    this.#normalizer = new SentencePieceNormalizer(normalizer, { suffix, match });
    this.#segment = file.modelType === 'unigram' ? this.#unigram() : this.#bpe(trie);
  }

  #byteIds(): Int32Array {
    return Int32Array.from({ length: 256 }, (_, byte) => {
      const id = this.#ids.get(byteToken(byte));
      if (id === undefined || this.file.pieces[id]!.type !== PIECE.byte)
        throw new SentencePieceFormatError(`pieces: byte_fallback is set, but ${byteToken(byte)} is missing`);
      return id;
    });
  }

  #unigram(): Segment {
    const { pieces } = this.file;
    let [least, most] = [Number.POSITIVE_INFINITY, LEAST_FLOAT];
    for (const { score, type } of pieces)
      if (type === PIECE.normal) [least, most] = [Math.min(least, score), Math.max(most, score)];
    const chosen = pieces.flatMap(({ piece, type }, id) =>
      type === PIECE.normal || type === PIECE.userDefined ? ([[encoder.encode(piece), id]] as const) : [],
    );
    const scores = Float64Array.from(pieces, ({ score }) => score);
    // What users define is chosen wherever it stands.
    for (const [bytes, id] of chosen)
      if (pieces[id]!.type === PIECE.userDefined) scores[id] = Math.fround(bytes.length * most) - 0.1;
    const path = new BestPath({
      trie: new DoubleArray(chosen),
      scores,
      unknownScore: Math.fround(least - UNKNOWN_PENALTY),
      single: true,
    });
    const bounds: number[] = [];
    return (bytes, end, ids) => {
      path.find(bytes, 0, end);
      bounds.length = 0;
      for (let to = end; to > 0; to = path.begins[to]!) bounds.push(to);
      let [from, unknown] = [0, false];
      for (let i = bounds.length - 1; i >= 0; i--) {
        const to = bounds[i]!;
        const piece = path.pieces[to]!;
        if (piece >= 0) ids.push(piece);
        else if (this.#bytes.length > 0) for (let at = from; at < to; at++) ids.push(this.#bytes[bytes[at]!]!);
        else if (!unknown) ids.push(this.#unknown); // those that follow are part of it
        unknown = piece < 0;
        from = to;
      }
    };
  }

  /** @param own what users define: it stays whole, and nothing is joined with it. */
  #bpe(own: DoubleArray | null): Segment {
    const { pieces, modelType, byteFallback } = this.file;
    if (modelType !== 'bpe') throw new SentencePieceFormatError(`trainer_spec: ${modelType} models are not supported`);
    const unused = pieces.findIndex(({ type }) => type === PIECE.unused);
    if (unused >= 0)
      throw new SentencePieceFormatError(`pieces[${unused}]: unused pieces of a BPE model are not supported`);
    const model = scoredBPE(this.file, this.#ids, pieces[this.#unknown]!.piece, byteFallback);
    if (!own) return (bytes, end, ids) => model.encode(bytes, 0, end, ids);
    return (bytes, end, ids) => {
      let done = 0;
      for (let at = 0; at < end; ) {
        const [length, id] = longest(own, bytes, at, end);
        if (length === 0) at += Math.max(1, characterSize(bytes, at, end));
        else {
          model.encode(bytes, done, at, ids);
          ids.push(id);
          at += length;
          done = at;
        }
      }
      model.encode(bytes, done, end, ids);
    };
  }

  /** @throws RangeError where it is asked for offsets, which the normalizer does not keep. */
  encode(bytes: Uint8Array, start: number, end: number, ids: IdBuffer, ends?: IdBuffer): void {
    if (ends) throw new RangeError('encoding: a SentencePiece model keeps no offsets; encode gives the ids');
    this.#normalizer.normalize(start === 0 ? bytes : bytes.subarray(start), end - start);
    this.#segment(this.#normalizer.bytes, this.#normalizer.length, ids);
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.file.pieces[id]?.piece;
  }
}

const inText = (type: number): boolean => type === PIECE.normal || type === PIECE.userDefined || type === PIECE.unused;

/** The longest of the trie's strings that begins at `start`: its length, 0 for none, and its id. */
function longest(
  { base, check, values }: DoubleArray,
  bytes: Uint8Array,
  start: number,
  end: number,
): [number, number] {
  let found: [number, number] = [0, -1];
  for (let at = start, node = 0; at < end; ) {
    const child = base[node]! + bytes[at++]!;
    if (check[child] !== node) break;
    node = child;
    if (values[node]! >= 0) found = [at - start, values[node]!];
  }
  return found;
}

/** BPE that joins the neighbours whose piece has the highest score, the leftmost first. */
function scoredBPE(
  { pieces }: SentencePieceFile,
  ids: ReadonlyMap<string, number>,
  unkToken: string,
  byteFallback: boolean,
): CharacterBPE {
  const normal = pieces.filter(({ type }) => type === PIECE.normal).sort((a, b) => b.score - a.score);
  const known = new Set(normal.map(({ piece }) => piece));
  const merges: [string, string][] = [];
  const ranks: number[] = [];
  let [rank, score] = [-1, Number.NaN];
  for (const each of normal) {
    if (each.score !== score) [rank, score] = [rank + 1, each.score];
    for (let at = 1; at < each.piece.length; at++) {
      const [left, right] = [each.piece.slice(0, at), each.piece.slice(at)];
      if (!known.has(left) || !known.has(right)) continue;
      merges.push([left, right]);
      ranks.push(rank);
    }
  }
  return new CharacterBPE({ vocab: ids, merges, ranks, unkToken, fuseUnk: true, byteFallback });
}
