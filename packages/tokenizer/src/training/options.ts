import type { Spec } from '../format.ts';

export type TrainableModel = 'BPE' | 'WordPiece' | 'WordLevel' | 'Unigram';

export interface TrainingProgress {
  /** Reading texts (characters), preparing distinct words, learning (tokens; for Unigram rounds). */
  readonly phase: 'read' | 'words' | 'learn';
  readonly done: number;
  /** Null while it is not known. */
  readonly total: number | null;
}

/** Named as in Hugging Face's trainers. Components are written as in tokenizer.json; null is none, undefined the model's usual one. */
export interface TrainTokenizerOptions {
  readonly model: TrainableModel;
  /** Tokens in all, special ones included. Default 30,000; 8,000 for Unigram. */
  readonly vocabSize?: number;
  /** Pairs, or for WordLevel words, that are rarer are left out. Default 0. */
  readonly minFrequency?: number;
  /**
   * They get the first ids, in this order, and are never split. Default: none for BPE, BERT's five for WordPiece, the unknown
   * token for the others.
   */
  readonly specialTokens?: readonly string[];
  /** What stands for the unknown; put first where `specialTokens` lacks it. Default: none for BPE, '[UNK]', '<unk>' for Unigram. */
  readonly unkToken?: string;
  /** Characters kept at most, the most frequent ones. Default: all. */
  readonly limitAlphabet?: number;
  /** Characters that are tokens whether they occur or not. Default: the 256 bytes for ByteLevel, none otherwise. */
  readonly initialAlphabet?: readonly string[];
  /** BPE and WordPiece: written before tokens that do not start a word. Default '##' for WordPiece, none for BPE. */
  readonly continuingSubwordPrefix?: string;
  /** BPE and WordPiece: written behind tokens that end a word. Default: none. */
  readonly endOfWordSuffix?: string;
  /** BPE: tokens stay shorter than about this many characters, as the reference counts. Default: any length. */
  readonly maxTokenLength?: number;
  /** Unigram: share of the pieces that a round of pruning leaves. Default 0.75. */
  readonly shrinkingFactor?: number;
  /** Unigram: characters in a piece at most. Default 16. */
  readonly maxPieceLength?: number;
  /** Unigram: rounds of expectation and maximization between prunings. Default 2. */
  readonly nSubIterations?: number;
  /** Unigram: candidates to begin with, at most. Default 1,000,000. */
  readonly seedSize?: number;
  readonly normalizer?: Spec | null;
  readonly preTokenizer?: Spec | null;
  readonly postProcessor?: Spec | null;
  readonly decoder?: Spec | null;
  /** Called now and then. */
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Ends the training with the signal's reason. */
  readonly signal?: AbortSignal;
}

const BYTE_LEVEL: Spec = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const METASPACE: Spec = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };

/** The components, those that are not given from the model's usual ones. */
export interface Components {
  readonly normalizer: Spec | null;
  readonly preTokenizer: Spec | null;
  readonly postProcessor: Spec | null;
  readonly decoder: Spec | null;
}

/** As SentencePiece: NFKC, and runs of white space are one blank. */
export const SENTENCEPIECE: Spec = {
  type: 'Sequence',
  normalizers: [{ type: 'Nmt' }, { type: 'NFKC' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }],
};
const BERT: Spec = {
  type: 'BertNormalizer',
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: null,
  lowercase: true,
};
const NORMALIZERS: Readonly<Record<TrainableModel, Spec | null>> = {
  BPE: null,
  WordPiece: BERT,
  WordLevel: null,
  Unigram: SENTENCEPIECE,
};
const PRE_TOKENIZERS: Readonly<Record<TrainableModel, Spec>> = {
  BPE: BYTE_LEVEL,
  WordPiece: { type: 'BertPreTokenizer' },
  WordLevel: { type: 'Whitespace' },
  Unigram: METASPACE,
};

export function componentsOf(options: TrainTokenizerOptions): Components {
  const { model, endOfWordSuffix: suffix, continuingSubwordPrefix: prefix = '##' } = options;
  const preTokenizer = options.preTokenizer === undefined ? PRE_TOKENIZERS[model] : options.preTokenizer;
  const last = lastStage(preTokenizer);
  const bytes = last?.type === 'ByteLevel';
  const usual = (): Spec | null => {
    if (bytes) return BYTE_LEVEL;
    if (last?.type === 'Metaspace') return last;
    if (model === 'WordPiece') return { type: 'WordPiece', prefix, cleanup: true };
    return suffix ? { type: 'BPEDecoder', suffix } : null;
  };
  return {
    normalizer: options.normalizer === undefined ? NORMALIZERS[model] : options.normalizer,
    preTokenizer,
    postProcessor: options.postProcessor === undefined && bytes ? BYTE_LEVEL : (options.postProcessor ?? null),
    decoder: options.decoder === undefined ? usual() : options.decoder,
  };
}

export function lastStage(preTokenizer: Spec | null): Spec | null {
  if (preTokenizer?.type !== 'Sequence') return preTokenizer;
  const list = preTokenizer.pretokenizers;
  return Array.isArray(list) && list.length > 0 ? lastStage(list.at(-1) as Spec) : null;
}

const BERT_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** The special tokens in the order of their ids, and the unknown one among them. */
export function specialsOf({ model, specialTokens, unkToken }: TrainTokenizerOptions): {
  specials: readonly string[];
  unknown: string | null;
} {
  const unknown = unkToken ?? (model === 'BPE' ? null : model === 'Unigram' ? '<unk>' : '[UNK]');
  const given = specialTokens ?? (model === 'WordPiece' ? BERT_TOKENS : []);
  if (new Set(given).size !== given.length) throw new RangeError('special tokens must differ from each other');
  if (given.includes('')) throw new RangeError('a special token must not be empty');
  return { specials: unknown === null || given.includes(unknown) ? given : [unknown, ...given], unknown };
}

/** @throws RangeError naming an option that is out of its range. */
export function checkOptions(options: TrainTokenizerOptions): void {
  const models: readonly unknown[] = ['BPE', 'WordPiece', 'WordLevel', 'Unigram'];
  if (!models.includes(options.model))
    throw new RangeError(`model must be one of ${models.join(', ')}, got ${JSON.stringify(options.model)}`);
  const whole = (name: keyof TrainTokenizerOptions, least: number): void => {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= least))
      throw new RangeError(`${name} must be a whole number from ${least}, got ${String(value)}`);
  };
  whole('vocabSize', 1);
  whole('minFrequency', 0);
  whole('limitAlphabet', 0);
  whole('maxTokenLength', 1);
  whole('maxPieceLength', 1);
  whole('nSubIterations', 1);
  whole('seedSize', 1);
  const { shrinkingFactor = 0.75 } = options;
  if (!(shrinkingFactor > 0 && shrinkingFactor < 1))
    throw new RangeError(`shrinkingFactor must be between 0 and 1, got ${shrinkingFactor}`);
}
