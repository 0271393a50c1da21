import { type Json, parse, type Spec, TokenizerFormatError, vocabulary } from '../format.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { tokenizerFromJSON } from '../tokenizer-json.ts';
import { linesOf, utf8 } from './text.ts';

export interface VocabMergesOptions {
  /**
   * Whose split, normalizer and special tokens: GPT-2's, RoBERTa's (and BART's), or CLIP's. Default: CLIP's where tokens end in
   * `</w>`, RoBERTa's where the vocabulary has `<s>`, `</s>` and `<mask>`, otherwise GPT-2's.
   */
  readonly kind?: 'gpt2' | 'roberta' | 'clip';
  /** Puts a blank before a text that does not start with one. Default false. */
  readonly addPrefixSpace?: boolean;
  /** Found whole in a text and left out when decoding. Default: those of the kind that the vocabulary has. */
  readonly specialTokens?: readonly string[];
}

const SPECIAL = {
  gpt2: ['<|endoftext|>'],
  roberta: ['<s>', '<pad>', '</s>', '<unk>', '<mask>'],
  clip: ['<|startoftext|>', '<|endoftext|>'],
} as const;

const CLIP_WORDS = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/**
 * Reads the `vocab.json` and `merges.txt` of GPT-2, RoBERTa or CLIP.
 * @param vocab token → id, as text, bytes, or what it parses to.
 * @param merges a pair of tokens on every line, the best first; a first line with `#version` is no pair.
 * @throws TokenizerFormatError naming the file and the token or line that is wrong.
 */
export function tokenizerFromVocabMerges(
  vocab: string | Uint8Array | object,
  merges: string | Uint8Array,
  options: VocabMergesOptions = {},
): Tokenizer {
  const json =
    typeof vocab === 'string' || vocab instanceof Uint8Array ? parse(utf8('vocab.json', vocab), 'vocab.json') : vocab;
  const ids = vocabulary('vocab.json', json);
  if (ids.size === 0) throw new TokenizerFormatError('vocab.json', 'has no tokens');
  const { addPrefixSpace = false, kind = kindOf(ids) } = options;
  const specialTokens = options.specialTokens ?? SPECIAL[kind].filter((token) => ids.has(token));
  const end = kind === 'roberta' ? '</s>' : '<|endoftext|>';
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined) throw new TokenizerFormatError('vocab.json', `lacks the token ${JSON.stringify(token)}`);
    return id;
  };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: true };
  return tokenizerFromJSON({
    added_tokens: specialTokens.map((content) => ({
      id: idOf(content),
      content,
      normalized: kind === 'clip' && content === '<|startoftext|>',
      lstrip: kind === 'roberta' && content === '<mask>',
      special: true,
    })),
    normalizer: kind === 'clip' ? CLIP_NORMALIZER : null,
    pre_tokenizer: kind === 'clip' ? clipPreTokenizer(byteLevel) : byteLevel,
    post_processor: postProcessor(kind, end, addPrefixSpace, idOf),
    decoder: byteLevel,
    model: {
      type: 'BPE',
      unk_token: kind === 'clip' ? end : null,
      end_of_word_suffix: kind === 'clip' ? '</w>' : null,
      vocab: json,
      merges: readMerges(utf8('merges.txt', merges), ids),
    },
  });
}

function kindOf(vocab: ReadonlyMap<string, number>): 'gpt2' | 'roberta' | 'clip' {
  if (vocab.has('a</w>')) return 'clip';
  return ['<s>', '</s>', '<mask>'].every((token) => vocab.has(token)) ? 'roberta' : 'gpt2';
}

function readMerges(text: string, vocab: ReadonlyMap<string, number>): [string, string][] {
  const merges: [string, string][] = [];
  linesOf(text).forEach((line, i) => {
    if (line === '' || (i === 0 && line.startsWith('#version'))) return;
    const field = `merges.txt line ${i + 1}`;
    const [left, right, more] = line.split(' ');
    if (!left || !right || more !== undefined)
      throw new TokenizerFormatError(field, `expected two tokens, got ${JSON.stringify(line.slice(0, 80))}`);
    for (const token of [left, right, left + right])
      if (!vocab.has(token))
        throw new TokenizerFormatError(field, `vocab.json lacks the token ${JSON.stringify(token)}`);
    merges.push([left, right]);
  });
  return merges;
}

const CLIP_NORMALIZER: Spec = {
  type: 'Sequence',
  normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }, { type: 'Lowercase' }],
};

function clipPreTokenizer(byteLevel: Json): Spec {
  const words = { type: 'Split', pattern: { Regex: CLIP_WORDS }, behavior: 'Removed', invert: true };
  return { type: 'Sequence', pretokenizers: [words, byteLevel] };
}

function postProcessor(
  kind: 'gpt2' | 'roberta' | 'clip',
  end: string,
  addPrefixSpace: boolean,
  idOf: (token: string) => number,
): Spec {
  if (kind === 'gpt2') return { type: 'ByteLevel', add_prefix_space: addPrefixSpace, trim_offsets: false };
  const start = kind === 'clip' ? '<|startoftext|>' : '<s>';
  return {
    type: 'RobertaProcessing',
    sep: [end, idOf(end)],
    cls: [start, idOf(start)],
    trim_offsets: kind === 'roberta',
    add_prefix_space: addPrefixSpace,
  };
}
