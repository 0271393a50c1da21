import { type GenerationEnd, generate, type LanguageModel, type TokenLogProb } from '@rivulet/generation';
import { Detokenizer, type TextTokenizer } from '@rivulet/stream';
import type { Choice } from './generation-options.ts';
import type { ToolCall } from './tool-calls.ts';

/** A part of one choice's text. */
export interface Piece {
  readonly index: number;
  readonly text: string;
  readonly id?: number;
  readonly logProb?: number;
  readonly topLogProbs?: readonly TokenLogProb[];
  readonly end?: GenerationEnd;
  /** With the end: the functions that the text calls. */
  readonly toolCalls?: readonly ToolCall[];
}

/** The texts of all choices, in the order in which their parts are made. */
export async function* pieces(
  model: LanguageModel,
  tokenizer: TextTokenizer,
  all: readonly Choice[],
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const running = new Map<number, Promise<{ index: number; result: IteratorResult<Piece> }>>();
  const iterators = all.map((choice) => piecesOf(model, tokenizer, choice, signal));
  const advance = (i: number): void => {
    const next = iterators[i]!.next().then((result) => ({ index: i, result }));
    next.catch(() => {}); // told by the race
    running.set(i, next);
  };
  try {
    for (const i of iterators.keys()) advance(i);
    while (running.size > 0) {
      const { index, result } = await Promise.race(running.values());
      if (result.done) running.delete(index);
      else {
        advance(index);
        yield result.value;
      }
    }
  } finally {
    for (const iterator of iterators) iterator.return(undefined).catch(() => {});
  }
}

async function* piecesOf(
  model: LanguageModel,
  tokenizer: TextTokenizer,
  { index, prompt, options }: Choice,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const detokenizer = new Detokenizer(tokenizer);
  for await (const event of generate(model, prompt, options, signal)) {
    if (event.type === 'generation-start') {
      detokenizer.push({ ...event, ...(model.continuesPrompt && { prompt }) });
      continue;
    }
    const text = detokenizer.push(event);
    if (event.type === 'generation-end') yield { index, text, end: event };
    else {
      const { id, logProb, topLogProbs } = event;
      yield { index, text, id, ...(logProb !== undefined && { logProb }), ...(topLogProbs && { topLogProbs }) };
    }
  }
}

/** OpenAI's word for the end of a text. */
export function finishReason({ reason }: GenerationEnd): 'stop' | 'length' {
  return reason === 'length' || reason === 'time' ? 'length' : 'stop';
}
