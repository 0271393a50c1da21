import type { AddedToken } from './added-tokens.ts';
import type { OffsetUnit } from './encoding.ts';
import type { Spec } from './format.ts';
import type { Model } from './model.ts';
import type { Splitter } from './pre-tokenizers/splitter.ts';
import type { SamplingOptions } from './sampling.ts';
import type { PaddingOptions, TruncationOptions } from './truncation.ts';

/** The stages of a tokenizer; components are written as in tokenizer.json: `{ type: 'BertPreTokenizer' }`. */
export interface TokenizerParts {
  readonly model: Model;
  readonly addedTokens?: readonly AddedToken[];
  readonly normalizer?: Spec | null;
  readonly preTokenizer?: Spec | null;
  readonly postProcessor?: Spec | null;
  readonly decoder?: Spec | null;
  readonly truncation?: TruncationOptions | null;
  readonly padding?: PaddingOptions | null;
  /** Which share of a BPE model's merges is left out where `EncodeOptions.dropout` does not say. Default null: none is. */
  readonly dropout?: number | null;
  /** How a byte-level model's text is split into pieces. Default: as the pre-tokenizer says. */
  readonly splitter?: Splitter | RegExp;
}

/** What tokenizer_config.json says of chats. */
export interface ChatFormat {
  /** Jinja templates by their names; the usual one is called 'default'. */
  readonly templates: Readonly<Record<string, string>>;
  /** What templates see under the names `bos_token`, `eos_token` and so on. */
  readonly specialTokens: Readonly<Record<string, string>>;
}

export interface TextPair {
  readonly text: string;
  readonly pair: string;
}

export interface EncodeOptions {
  /** Adds what the post-processor says, such as an end token. Default true. */
  readonly addSpecialTokens?: boolean;
  /** Special tokens that stand in the text: taken as such (default), as plain text, or refused with a RangeError. */
  readonly specialTokens?: 'allow' | 'text' | 'refuse';
  /** For training: how likely a merge of a BPE model is left out, from 0 to 1. Default: what the file says, in nearly all that none is. */
  readonly dropout?: number;
  /** For training: draws among the ways to split a text by a SentencePiece unigram model. Default: the likeliest is taken. */
  readonly sampling?: SamplingOptions;
  /** Which merges are left out, or which way is drawn: the same seed, the same ids. Default 0. */
  readonly seed?: number;
}

export interface OffsetsOptions extends EncodeOptions {
  /** What offsets count. Default 'utf16', the units of JavaScript's strings. */
  readonly offsets?: OffsetUnit;
}

export interface EncodingOptions extends OffsetsOptions {
  /** Default: what the file says. Null: none. */
  readonly truncation?: TruncationOptions | null;
  readonly padding?: PaddingOptions | null;
}

export interface DecodeOptions {
  /** Leaves special tokens out. Default true. */
  readonly skipSpecialTokens?: boolean;
}

/** Gives text as soon as its characters are complete. */
export interface DecodeStream {
  /** The characters that this id completes; often one token, sometimes none. */
  push(id: number): string;
  /** What is left: U+FFFD for the start of a character that never came. */
  end(): string;
}
