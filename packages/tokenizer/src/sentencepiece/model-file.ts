import { fieldsOf, SentencePieceFormatError } from './protobuf.ts';

/** What a piece is; the numbers are the file's. */
export const PIECE: {
  readonly normal: 1;
  readonly unknown: 2;
  readonly control: 3;
  readonly userDefined: 4;
  readonly unused: 5;
  readonly byte: 6;
} = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

export interface Piece {
  readonly piece: string;
  /** A log probability, or minus the rank of a merge; float32. */
  readonly score: number;
  readonly type: number;
}

export interface NormalizerSpec {
  readonly precompiledCharsmap: Uint8Array;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  readonly escapeWhitespaces: boolean;
}

/** The parts of a SentencePiece `.model` file that encoding and decoding need. */
export interface SentencePieceFile {
  readonly pieces: readonly Piece[];
  readonly modelType: 'unigram' | 'bpe' | 'word' | 'char';
  readonly treatWhitespaceAsSuffix: boolean;
  readonly byteFallback: boolean;
  readonly unkPiece: string;
  readonly bosPiece: string;
  readonly eosPiece: string;
  readonly padPiece: string;
  /** What an unknown piece decodes to. */
  readonly unkSurface: string;
  readonly normalizer: NormalizerSpec;
  readonly denormalizer: NormalizerSpec | null;
  /** The bytes of the file. */
  readonly source: Uint8Array;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const modelTypes = ['unigram', 'bpe', 'word', 'char'] as const;

/**
 * Reads a `.model` file (https://github.com/google/sentencepiece, src/sentencepiece_model.proto).
 * @throws SentencePieceFormatError naming the field that is cut off, has another type, or has an impossible value.
 */
export function readSentencePieceFile(bytes: Uint8Array): SentencePieceFile {
  const pieces: Piece[] = [];
  let trainer: TrainerSpec = { ...trainerDefaults };
  let normalizer: NormalizerSpec = normalizerDefaults;
  let denormalizer: NormalizerSpec | null = null;
  for (const field of fieldsOf(bytes, 'model'))
    if (field.number === 1) pieces.push(readPiece(field.bytes(`pieces[${pieces.length}]`), pieces.length));
    else if (field.number === 2) trainer = readTrainerSpec(field.bytes('trainer_spec'), trainer);
    else if (field.number === 3) normalizer = readNormalizerSpec(field.bytes('normalizer_spec'), 'normalizer_spec');
    else if (field.number === 5)
      denormalizer = readNormalizerSpec(field.bytes('denormalizer_spec'), 'denormalizer_spec');
  if (pieces.length === 0) throw new SentencePieceFormatError('model: it has no pieces; is it a SentencePiece model?');
  return { pieces, ...trainer, normalizer, denormalizer, source: bytes };
}

function readPiece(message: Uint8Array, index: number): Piece {
  const what = `pieces[${index}]`;
  let piece = '';
  let score = 0;
  let type: number = PIECE.normal;
  for (const field of fieldsOf(message, what))
    if (field.number === 1) piece = field.text('piece');
    else if (field.number === 2) score = field.float('score');
    else if (field.number === 3) type = field.varint('type');
  if (piece === '') throw new SentencePieceFormatError(`${what}: the piece is empty`);
  if (!Number.isFinite(score)) throw new SentencePieceFormatError(`${what}: the score is ${score}`);
  if (type < PIECE.normal || type > PIECE.byte) throw new SentencePieceFormatError(`${what}: unknown type ${type}`);
  return { piece, score, type };
}

type TrainerSpec = Mutable<Omit<SentencePieceFile, 'pieces' | 'normalizer' | 'denormalizer' | 'source'>>;

const trainerDefaults: Readonly<TrainerSpec> = {
  modelType: 'unigram',
  treatWhitespaceAsSuffix: false,
  byteFallback: false,
  unkPiece: '<unk>',
  bosPiece: '<s>',
  eosPiece: '</s>',
  padPiece: '<pad>',
  unkSurface: ' \u2047 ',
};

function readTrainerSpec(message: Uint8Array, defaults: TrainerSpec): TrainerSpec {
  const spec = { ...defaults };
  for (const field of fieldsOf(message, 'trainer_spec'))
    if (field.number === 3) {
      const type = field.varint('model_type');
      const modelType = modelTypes[type - 1];
      if (!modelType) throw new SentencePieceFormatError(`trainer_spec: unknown model_type ${type}`);
      spec.modelType = modelType;
    } else if (field.number === 24) spec.treatWhitespaceAsSuffix = field.varint('treat_whitespace_as_suffix') !== 0;
    else if (field.number === 35) spec.byteFallback = field.varint('byte_fallback') !== 0;
    else if (field.number === 44) spec.unkSurface = field.text('unk_surface');
    else if (field.number === 45) spec.unkPiece = field.text('unk_piece');
    else if (field.number === 46) spec.bosPiece = field.text('bos_piece');
    else if (field.number === 47) spec.eosPiece = field.text('eos_piece');
    else if (field.number === 48) spec.padPiece = field.text('pad_piece');
  return spec;
}

const normalizerDefaults: NormalizerSpec = {
  precompiledCharsmap: new Uint8Array(0),
  addDummyPrefix: true,
  removeExtraWhitespaces: true,
  escapeWhitespaces: true,
};

function readNormalizerSpec(message: Uint8Array, what: string): NormalizerSpec {
  const spec: Mutable<NormalizerSpec> = { ...normalizerDefaults };
  for (const field of fieldsOf(message, what))
    if (field.number === 2) spec.precompiledCharsmap = field.bytes('precompiled_charsmap');
    else if (field.number === 3) spec.addDummyPrefix = field.varint('add_dummy_prefix') !== 0;
    else if (field.number === 4) spec.removeExtraWhitespaces = field.varint('remove_extra_whitespaces') !== 0;
    else if (field.number === 5) spec.escapeWhitespaces = field.varint('escape_whitespaces') !== 0;
  return spec;
}
