import type { GenerateOptions, GenerationEnd, LanguageModel } from '@rivulet/generation';
import { generate as continuePrompt, type TokenEvent as MadeToken, resolveOptions } from '@rivulet/generation';
import type { OperatorFunction } from 'rxjs';
import { checkWhole } from './check.ts';
import { inOrder } from './in-order.ts';
import { ItemError, type ItemErrorOptions, settleItemError } from './item-error.ts';
import { type OperatorFacts, withFacts } from './operator-facts.ts';
import { pullOperator } from './pull.ts';
import { type TextTokenizer, type TokenizedText, tokenize } from './text.ts';

/** An event of the generation for one item. */
export type TokenEvent = { readonly index: number; readonly text: string } & (
  | {
      readonly type: 'generation-start';
      /** The ids that the text continues, where it continues its prompt: what comes is decoded as their sequel. */
      readonly prompt?: ArrayLike<number>;
    }
  | MadeToken
  | GenerationEnd
);

export interface GenerateItems extends GenerateOptions, ItemErrorOptions {
  /**
   * How many texts are in work at once; their events still come out text after text. Above 1 it pays with models that take them
   * together, as `CausalLM` does. Default 1.
   */
  readonly concurrency?: number;
}

/**
 * Continues (or translates) every text: the events of each, token by token. Window: `concurrency`. Blank texts do not reach a
 * model that reads a source; one that continues its prompt continues them, too. Unsubscribing stops the model within one step.
 *
 *     source:    --{0}-----------{1}---------|
 *     generate:  --s-t-t-t-e-----s-t-t-e-----|
 *
 * Sampling draws item n from `seed` + n. An error of one item fails the stream with an `ItemError`, unless `onItemError` takes it:
 * then the item ends with no tokens.
 */
export function generate(
  model: LanguageModel,
  { onItemError, concurrency = 1, ...options }: GenerateItems = {},
): OperatorFunction<TokenizedText, TokenEvent> {
  const { doSample, seed } = resolveOptions(options); // a wrong option fails here, not in the middle of a stream
  checkWhole('concurrency', concurrency);
  const { continuesPrompt = false } = model;
  const continued = async function* (
    { index, text, ids }: TokenizedText,
    signal: AbortSignal,
  ): AsyncGenerator<TokenEvent> {
    const own = doSample ? { ...options, seed: seed + index } : options;
    const empty = { index, text, type: 'generation-end', tokens: [], score: 0, reason: 'empty' } as const;
    if (!continuesPrompt && text.trim() === '') {
      yield { index, text, type: 'generation-start' };
      yield empty;
      return;
    }
    try {
      for await (const event of continuePrompt(model, ids, own, signal))
        yield event.type === 'generation-start' && continuesPrompt
          ? { index, text, ...event, prompt: ids }
          : { index, text, ...event };
    } catch (error) {
      settleItemError(new ItemError(index, text, error), onItemError ? { onItemError } : {});
      yield empty;
    }
  };
  const facts: OperatorFacts<TokenEvent> = {
    window: concurrency,
    completes: ({ type }) => (type === 'generation-end' ? 1 : 0),
    tokens: ({ type }) => (type === 'token' ? 1 : 0),
  };
  if (concurrency > 1) return pullOperator((source, signal) => inOrder(source, concurrency, signal, continued), facts);
  return pullOperator(async function* (source, signal) {
    for await (const item of source) {
      yield* continued(item, signal);
      if (signal.aborted) return;
    }
  }, facts);
}

/** What a `Detokenizer` reads of an event. */
export type DecodableEvent =
  | { readonly type: 'generation-start'; readonly prompt?: ArrayLike<number> }
  | MadeToken
  | GenerationEnd;

/** Token events of one item after the other to text, as soon as characters are complete. */
export class Detokenizer {
  readonly #tokenizer: TextTokenizer;
  #decoder: ReturnType<TextTokenizer['decodeStream']>;

  constructor(tokenizer: TextTokenizer) {
    this.#tokenizer = tokenizer;
    this.#decoder = tokenizer.decodeStream();
  }

  /** Of several sampled sequences the first counts. */
  push(event: DecodableEvent): string {
    switch (event.type) {
      case 'generation-start':
        this.#decoder = this.#tokenizer.decodeStream();
        for (const id of Array.from(event.prompt ?? [])) this.#decoder.push(id); // decides about the blank that follows
        return '';
      case 'token':
        if (event.sequence) return '';
        return event.piece ?? this.#decoder.push(event.id);
      case 'generation-end':
        return event.generatedText === undefined ? this.#decoder.end() : (event.piece ?? '');
    }
  }
}

/**
 * Token events to pieces of text, as soon as their characters are complete; `separator` ends every item, and with `echo` the
 * item's own text comes before. Window: 1.
 *
 *     source:      --s-t--t--t-e---|
 *     detokenize:  ----"a"---"é"\n-|
 */
export function detokenize(
  tokenizer: TextTokenizer,
  { separator = '\n', echo = false }: { separator?: string; echo?: boolean } = {},
): OperatorFunction<TokenEvent, string> {
  return pullOperator(async function* (source) {
    const detokenizer = new Detokenizer(tokenizer);
    for await (const event of source) {
      let text = detokenizer.push(event);
      if (event.type === 'generation-end') text += separator;
      if (event.type === 'generation-start' && echo) text = event.text;
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
  readonly reason: GenerationEnd['reason'];
}

/**
 * Token events to one record per item. Window: 1.
 *
 *     source:   --s-t-t-e----s-t-e--|
 *     collect:  --------{0}------{1}|
 */
export function collect(tokenizer: TextTokenizer): OperatorFunction<TokenEvent, Generated> {
  return pullOperator(async function* (source) {
    const detokenizer = new Detokenizer(tokenizer);
    let text = '';
    for await (const event of source) {
      const piece = detokenizer.push(event);
      text = event.type === 'generation-start' ? '' : text + piece;
      if (event.type !== 'generation-end') continue;
      const { index, text: original, tokens, score, reason } = event;
      yield { index, source: original, text, tokens, score, reason };
    }
  });
}

/**
 * Translates texts (or answers, or rewrites them: whatever the model was trained for) with a model that reads a source; one record
 * per text, in order. For the pieces as they are made: `tokenize`, `generate` and `detokenize`. Window: `concurrency`.
 *
 *     source:     --"ab"------"c"------|
 *     translate:  ---------{0}-----{1}-|
 *
 * Errors as with `generate`. @throws TypeError for a model that continues its prompt.
 */
export function translate(
  model: LanguageModel,
  tokenizer: TextTokenizer,
  options: GenerateItems = {},
): OperatorFunction<string, Generated> {
  if (model.continuesPrompt)
    throw new TypeError('translate needs a model that reads a source; this one continues its prompt: use generate');
  const steps = [tokenize(tokenizer), generate(model, options), collect(tokenizer)] as const;
  return withFacts((source) => source.pipe(...steps), {
    window: options.concurrency ?? 1,
    tokens: ({ tokens }) => tokens.length,
  });
}
