import type { AddedToken } from '../added-tokens.ts';
import { type Spec, TokenizerFormatError } from '../format.ts';
import { WordPiece } from '../models/word-piece.ts';
import { Tokenizer } from '../tokenizer.ts';
import { linesOf, utf8 } from './text.ts';

/** How BERT's tokenizer treats text (https://github.com/google-research/bert, tokenization.py). */
export interface WordPieceVocabOptions {
  /** Default true, as for the uncased models. */
  readonly lowerCase?: boolean;
  /** Default: as `lowerCase`. */
  readonly stripAccents?: boolean;
  /** Puts blanks around ideographs. Default true. */
  readonly tokenizeChineseChars?: boolean;
  /** Removes control characters, makes all white space blanks. Default true. */
  readonly cleanText?: boolean;
  /** What a word becomes that cannot be put together. Default '[UNK]'. */
  readonly unkToken?: string;
  /** Stands before a text. Default '[CLS]' where the vocabulary has it; null: none. */
  readonly clsToken?: string | null;
  /** Stands behind a text. Default '[SEP]' where the vocabulary has it; null: none. */
  readonly sepToken?: string | null;
  /** Default '[PAD]'. */
  readonly padToken?: string;
  /** Default '[MASK]'. */
  readonly maskToken?: string;
  /** Written before tokens that do not start a word. Default '##'. */
  readonly continuingSubwordPrefix?: string;
}

const FILE = 'vocab.txt';

/**
 * Reads BERT's `vocab.txt`: a token on every line, its id the number of the line from 0. Where a token comes twice its last line
 * counts, as in the reference.
 * @param source the file's text, or its bytes.
 * @throws TokenizerFormatError where the vocabulary is empty or lacks a token that is asked for.
 */
export function tokenizerFromWordPieceVocab(
  source: string | Uint8Array,
  options: WordPieceVocabOptions = {},
): Tokenizer {
  const vocab = readVocab(utf8(FILE, source));
  const { unkToken = '[UNK]', padToken = '[PAD]', maskToken = '[MASK]', lowerCase = true } = options;
  const { continuingSubwordPrefix = '##' } = options;
  const idOf = (token: string): number => {
    const id = vocab.get(token);
    if (id === undefined)
      throw new TokenizerFormatError(FILE, `the vocabulary lacks the token ${JSON.stringify(token)}`);
    return id;
  };
  idOf(unkToken);
  const known = (token: string): string | null => (vocab.has(token) ? token : null);
  const { clsToken = known('[CLS]'), sepToken = known('[SEP]') } = options;
  const specials = [padToken, unkToken, clsToken, sepToken, maskToken].filter(
    (token) => token !== null && (vocab.has(token) || token === clsToken || token === sepToken),
  ) as string[];
  return new Tokenizer({
    model: new WordPiece({ vocab, unkToken, continuingSubwordPrefix }),
    addedTokens: [...new Set(specials)].map((content) => special(content, idOf(content))),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: options.cleanText ?? true,
      handle_chinese_chars: options.tokenizeChineseChars ?? true,
      strip_accents: options.stripAccents ?? null,
      lowercase: lowerCase,
    },
    preTokenizer: { type: 'BertPreTokenizer' },
    postProcessor: template(clsToken, sepToken, idOf),
    decoder: { type: 'WordPiece', prefix: continuingSubwordPrefix, cleanup: true },
  });
}

function readVocab(text: string): Map<string, number> {
  const vocab = new Map<string, number>();
  linesOf(text).forEach((line, id) => {
    if (line !== '') vocab.set(line, id);
  });
  if (vocab.size === 0) throw new TokenizerFormatError(FILE, 'has no tokens; expected one on every line');
  return vocab;
}

function special(content: string, id: number): AddedToken {
  return { id, content, singleWord: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

function template(cls: string | null, sep: string | null, idOf: (token: string) => number): Spec | null {
  if (cls === null && sep === null) return null;
  const token = (name: string | null, type_id: number): object[] =>
    name === null ? [] : [{ SpecialToken: { id: name, type_id } }];
  const single = [...token(cls, 0), { Sequence: { id: 'A', type_id: 0 } }, ...token(sep, 0)];
  const names = [...new Set([cls, sep])].filter((name) => name !== null);
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 1 } }, ...token(sep, 1)],
    special_tokens: Object.fromEntries(names.map((name) => [name, { id: name, ids: [idOf(name)], tokens: [name] }])),
  };
}
