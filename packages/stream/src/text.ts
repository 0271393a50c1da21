import type { GenerateOptions, GenerationEnd, LanguageModel } from '@rivulet/generation';
import { generate as continuePrompt, resolveOptions } from '@rivulet/generation';
import type { OperatorFunction } from 'rxjs';
import { ItemError, type ItemErrorOptions, settleItemError } from './item-error.ts';
import { pullOperator } from './pull.ts';

/** What these operators need of a tokenizer; `Tokenizer` of @rivulet/tokenizer has it. */
export interface TextTokenizer {
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
  decodeStream(): { push(id: number): string; end(): string };
}

/** A text and its ids. */
export interface TokenizedText {
  /** The item's number, from 0. */
  readonly index: number;
  readonly text: string;
  readonly ids: Int32Array;
}

/** An event of the generation for one item. */
export type TokenEvent = { readonly index: number; readonly text: string } & (
  | { readonly type: 'generation-start' }
  | { readonly type: 'token'; readonly id: number }
  | GenerationEnd
);

/**
 * Texts to ids, numbered from 0. Window: 1.
 *
 *     source:    --"a"--"b"--|
 *     tokenize:  --{0}--{1}--|
 */
export function tokenize(tokenizer: TextTokenizer): OperatorFunction<string, TokenizedText> {
  return pullOperator(async function* (source) {
    let index = 0;
    for await (const text of source) {
      let ids: Int32Array;
      try {
        ids = tokenizer.encode(text);
      } catch (error) {
        throw new ItemError(index, text, error);
      }
      yield { index, text, ids };
      index++;
    }
  });
}

/**
 * Continues (or translates) every text, one after the other: the events of each, token by token. Window: 1. Blank texts do not
 * reach the model. Unsubscribing stops the model within one step.
 *
 *     source:    --{0}-----------{1}---------|
 *     generate:  --s-t-t-t-e-----s-t-t-e-----|
 *
 * Sampling draws item n from `seed` + n. An error of one item fails the stream with an `ItemError`, unless `onItemError` takes it:
 * then the item ends with no tokens.
 */
export function generate(
  model: LanguageModel,
  { onItemError, ...options }: GenerateOptions & ItemErrorOptions = {},
): OperatorFunction<TokenizedText, TokenEvent> {
  const { doSample, seed } = resolveOptions(options); // a wrong option fails here, not in the middle of a stream
  const optionsOf = (index: number): GenerateOptions => (doSample ? { ...options, seed: seed + index } : options);
  return pullOperator(async function* (source, signal) {
    for await (const { index, text, ids } of source) {
      const empty = { index, text, type: 'generation-end', tokens: [], score: 0, reason: 'empty' } as const;
      if (text.trim() === '') {
        yield { index, text, type: 'generation-start' };
        yield empty;
        continue;
      }
      try {
        for await (const event of continuePrompt(model, ids, optionsOf(index), signal)) yield { index, text, ...event };
      } catch (error) {
        settleItemError(new ItemError(index, text, error), onItemError ? { onItemError } : {});
        yield empty;
      }
      if (signal.aborted) return;
    }
  });
}

/**
 * Token events to pieces of text, as soon as their characters are complete; `separator` ends every item. Window: 1.
 *
 *     source:      --s-t--t--t-e---|
 *     detokenize:  ----"a"---"é"\n-|
 */
export function detokenize(
  tokenizer: TextTokenizer,
  { separator = '\n' }: { separator?: string } = {},
): OperatorFunction<TokenEvent, string> {
  return pullOperator(async function* (source) {
    let decoder = tokenizer.decodeStream();
    for await (const event of source) {
      if (event.type === 'generation-start') decoder = tokenizer.decodeStream();
      const text =
        event.type === 'token'
          ? decoder.push(event.id)
          : event.type === 'generation-end'
            ? decoder.end() + separator
            : '';
      if (text !== '') yield text;
    }
  });
}

/** One finished item. */
export interface Generated {
  readonly index: number;
  readonly source: string;
  readonly text: string;
  readonly tokens: readonly number[];
  readonly score: number;
}

/**
 * Token events to one record per item. Window: 1.
 *
 *     source:   --s-t-t-e----s-t-e--|
 *     collect:  --------{0}------{1}|
 */
export function collect(tokenizer: TextTokenizer): OperatorFunction<TokenEvent, Generated> {
  return pullOperator(async function* (source) {
    for await (const event of source) {
      if (event.type !== 'generation-end') continue;
      const { index, text: original, tokens, score } = event;
      yield { index, source: original, text: tokenizer.decode(tokens), tokens, score };
    }
  });
}
