import { byteCharacters } from '../byte-characters.ts';
import type { Spec } from '../format.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { tokenizerFromJSON } from '../tokenizer-json.ts';
import { toSymbols } from './alphabet.ts';
import { learnMerges } from './learn-merges.ts';
import {
  type Components,
  checkOptions,
  componentsOf,
  lastStage,
  specialsOf,
  type TrainingProgress,
  type TrainTokenizerOptions,
} from './options.ts';
import { Pace } from './pace.ts';
import { learnUnigram } from './unigram.ts';
import { unigramWords } from './unigram-words.ts';
import { WordCounter } from './word-counts.ts';

/**
 * Learns a tokenizer from texts, which may be more than fit in memory: only distinct words and their counts are kept. The event
 * loop runs in between.
 * @throws RangeError naming an option that is out of its range, or a vocabulary without room for the alphabet;
 * TokenizerFormatError naming a component that is wrong; the reason of `signal`.
 */
export async function trainTokenizer(
  texts: Iterable<string> | AsyncIterable<string>,
  options: TrainTokenizerOptions,
): Promise<Tokenizer> {
  return tokenizerFromJSON(await trainTokenizerJSON(texts, options));
}

/** The same as what tokenizer.json holds: for writing it. */
export async function trainTokenizerJSON(
  texts: Iterable<string> | AsyncIterable<string>,
  options: TrainTokenizerOptions,
): Promise<object> {
  checkOptions(options);
  const { specials } = specialsOf(options);
  const components = componentsOf(options);
  const pace = new Pace(options.signal);
  const words = await countWords(texts, components, pace, options.onProgress);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: components.normalizer,
    pre_tokenizer: components.preTokenizer,
    post_processor: components.postProcessor,
    decoder: components.decoder,
    model: await learnModel(words, components.preTokenizer, options, pace),
  };
}

type Tell = ((progress: TrainingProgress) => void) | undefined;

async function countWords(
  texts: Iterable<string> | AsyncIterable<string>,
  { normalizer, preTokenizer }: Components,
  pace: Pace,
  tell: Tell,
): Promise<Map<string, number>> {
  const counter = new WordCounter(normalizer, preTokenizer);
  let done = 0;
  const rest = (): Promise<void> => {
    tell?.({ phase: 'read', done, total: null });
    return pace.rest();
  };
  for await (const text of texts)
    for (const units of counter.add(text)) {
      done += units;
      if (pace.due) await rest();
    }
  tell?.({ phase: 'read', done, total: done });
  return pace.run(counter.words(), (words) => tell?.({ phase: 'words', done: words, total: null }));
}

async function learnModel(
  words: Map<string, number>,
  preTokenizer: Spec | null,
  options: TrainTokenizerOptions,
  pace: Pace,
): Promise<object> {
  const { model, onProgress } = options;
  const { specials, unknown } = specialsOf(options);
  const vocabSize = options.vocabSize ?? 30_000;
  if (model === 'WordLevel') {
    const tokens = frequentWords(words, specials, vocabSize, options.minFrequency ?? 0);
    onProgress?.({ phase: 'learn', done: tokens.length, total: tokens.length });
    return { type: 'WordLevel', vocab: vocabularyOf(tokens), unk_token: unknown };
  }
  if (model === 'Unigram') return learnUnigramModel(words, options, pace);
  const prefix = options.continuingSubwordPrefix ?? (model === 'WordPiece' ? '##' : '');
  const suffix = options.endOfWordSuffix ?? '';
  const bytes = lastStage(preTokenizer)?.type === 'ByteLevel';
  const symbols = toSymbols(words, {
    specialTokens: specials,
    initialAlphabet: options.initialAlphabet ?? (bytes ? byteCharacters : []),
    limitAlphabet: options.limitAlphabet ?? Infinity,
    prefix,
    suffix,
  });
  const { tokens } = symbols;
  checkRoom(tokens.length, specials.length, vocabSize);
  const learning = learnMerges({
    ...symbols,
    vocabSize,
    minFrequency: options.minFrequency ?? 0,
    continuingSubwordPrefix: prefix,
    maxTokenLength: options.maxTokenLength ?? Infinity,
  });
  const merges = await pace.run(learning, (done) => onProgress?.({ phase: 'learn', done, total: vocabSize }));
  onProgress?.({ phase: 'learn', done: tokens.length, total: tokens.length });
  const vocab = vocabularyOf(tokens);
  if (model === 'WordPiece')
    return {
      type: 'WordPiece',
      unk_token: unknown,
      continuing_subword_prefix: prefix,
      max_input_chars_per_word: 100,
      vocab,
    };
  return {
    type: 'BPE',
    dropout: null,
    unk_token: unknown,
    continuing_subword_prefix: prefix || null,
    end_of_word_suffix: suffix || null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab,
    merges,
  };
}

async function learnUnigramModel(
  words: Map<string, number>,
  options: TrainTokenizerOptions,
  pace: Pace,
): Promise<object> {
  const { vocabSize = 8000, initialAlphabet = [], limitAlphabet = Infinity, onProgress } = options;
  const { specials, unknown } = specialsOf(options);
  const numbered = unigramWords(words, { initialAlphabet, limitAlphabet });
  checkRoom(numbered.alphabet.length + specials.length, specials.length, vocabSize);
  const learning = learnUnigram({
    words: numbered,
    size: vocabSize - specials.length,
    shrinkingFactor: options.shrinkingFactor ?? 0.75,
    maxPieceLength: options.maxPieceLength ?? 16,
    nSubIterations: options.nSubIterations ?? 2,
    seedSize: options.seedSize ?? 1_000_000,
  });
  const pieces = await pace.run(learning, (at) => onProgress?.({ phase: 'learn', ...at }));
  onProgress?.({ phase: 'learn', done: 1, total: 1 });
  const taken = new Set(specials);
  return {
    type: 'Unigram',
    unk_id: specials.indexOf(unknown!),
    vocab: [...specials.map((token) => [token, 0]), ...pieces.filter(([piece]) => !taken.has(piece))],
    byte_fallback: false,
  };
}

const vocabularyOf = (tokens: readonly string[]): object => Object.fromEntries(tokens.map((token, id) => [token, id]));

function checkRoom(needed: number, specials: number, vocabSize: number): void {
  if (needed > vocabSize)
    throw new RangeError(
      `vocabSize must be at least ${needed} (${needed - specials} characters and ${specials} special tokens), got ${vocabSize}; limitAlphabet keeps fewer characters`,
    );
}

/** Special tokens, then words by count and, among equals, by text as UTF-8 sorts. */
function frequentWords(
  words: ReadonlyMap<string, number>,
  specials: readonly string[],
  vocabSize: number,
  minFrequency: number,
): string[] {
  const taken = new Set(specials);
  const sorted = [...words]
    .filter(([word, count]) => count >= minFrequency && !taken.has(word))
    .sort(([a, n], [b, m]) => m - n || byCodePoint(a, b));
  return [...specials, ...sorted.slice(0, Math.max(0, vocabSize - specials.length)).map(([word]) => word)];
}

function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    // Halves of a pair are compared by the pair they begin.
    const [x, y] = [a.codePointAt(i)!, b.codePointAt(i)!];
    if (x < 0xdc00 || x > 0xdfff) return x - y;
    return a.codePointAt(i - 1)! - b.codePointAt(i - 1)!;
  }
  return a.length - b.length;
}
