import type { AddedToken } from './added-tokens.ts';
import { BPE } from './bpe.ts';
import { byteCharacters } from './byte-characters.ts';
import { splitWords } from './byte-level.ts';
import type { Spec } from './format.ts';
import { Tokenizer } from './tokenizer.ts';
import { learnMerges, type SymbolWords } from './training/learn-merges.ts';

export interface TrainBPEOptions {
  /** Tokens in all: special ones, the 256 bytes and the merges. */
  readonly vocabSize: number;
  /** A pair that is rarer is not merged. Default 2. */
  readonly minFrequency?: number;
  /** They get the first ids, in this order, and are never split. Default none. */
  readonly specialTokens?: readonly string[];
  /** Special tokens around every text, with null in the text's place: ['<s>', null, '</s>']. Default: the text alone. */
  readonly template?: readonly (string | null)[];
  /**
   * A tokenizer to go on from: its tokens and merges come first and keep their ids. Training on one language and going on with
   * another gives each a range of ids of its own. Special tokens and template are the base's then.
   */
  readonly base?: Tokenizer;
  /** Called now and then with the size of the vocabulary so far. */
  readonly onProgress?: (size: number) => void;
}

/**
 * Learns a byte-level BPE vocabulary: the most frequent pair is merged, again and again (https://arxiv.org/abs/1508.07909);
 * among equals the pair with the smaller ids, as in Hugging Face's trainer.
 * @throws RangeError when the vocabulary has no room for the bytes and the special tokens.
 */
export function trainBPE(texts: Iterable<string>, options: TrainBPEOptions): Tokenizer {
  const { vocabSize, minFrequency = 2, base, onProgress } = options;
  const { specialTokens = [], template = [null] } = options;
  const tokens = base
    ? Array.from({ length: base.vocabSize }, (_, id) => base.idToToken(id)!)
    : [...specialTokens, ...[...byteCharacters].sort()];
  if (new Set(tokens).size !== tokens.length)
    throw new RangeError('special tokens must differ from each other and from single bytes');
  if (vocabSize < tokens.length)
    throw new RangeError(
      `vocabSize must be at least ${tokens.length} (256 bytes and ${specialTokens.length} special tokens), got ${vocabSize}`,
    );
  const start = base?.model ?? new BPE({ vocab: new Map(tokens.map((token, id) => [token, id])), merges: [] });
  if (!(start instanceof BPE)) throw new RangeError('base must be a byte-level BPE tokenizer');
  const words = countWords(texts, start);
  const learning = learnMerges({ tokens, words, vocabSize, minFrequency });
  let step = learning.next();
  for (; !step.done; step = learning.next()) onProgress?.(step.value);
  const merges = [...start.merges, ...step.value];
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  onProgress?.(tokens.length);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true } as const;
  return new Tokenizer({
    model: new BPE({ vocab, merges }),
    preTokenizer: byteLevel,
    postProcessor: base ? base.postProcessor : template.length === 1 ? byteLevel : templateSpec(template, vocab),
    decoder: byteLevel,
    addedTokens: base?.addedTokens ?? specialTokens.map((content, id) => special(content, id)),
  });
}

function templateSpec(template: readonly (string | null)[], vocab: ReadonlyMap<string, number>): Spec {
  const names = [...new Set(template)].filter((name) => name !== null);
  const specials = names.map((name) => {
    const id = vocab.get(name);
    if (id === undefined) throw new RangeError(`the template names '${name}', which is no special token`);
    return [name, { id: name, ids: [id], tokens: [name] }] as const;
  });
  const single = template.map((name) =>
    name === null ? { Sequence: { id: 'A', type_id: 0 } } : { SpecialToken: { id: name, type_id: 0 } },
  );
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: Object.fromEntries(specials),
  };
}

function special(content: string, id: number): AddedToken {
  return { id, content, singleWord: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

function countWords(texts: Iterable<string>, start: BPE): SymbolWords {
  const found = new Map<string, number>();
  for (const raw of texts) {
    const text = raw.toWellFormed();
    splitWords(text, (start, end) => {
      const word = text.slice(start, end);
      found.set(word, (found.get(word) ?? 0) + 1);
    });
  }
  const ids: number[] = [];
  const starts = new Int32Array(found.size + 1);
  let words = 0;
  for (const word of found.keys()) {
    start.encodeWord(word, ids);
    starts[++words] = ids.length;
  }
  return { ids: Int32Array.from(ids), starts, counts: Float64Array.from(found.values()) };
}
