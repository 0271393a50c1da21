import type { GenerationEnd } from '@rivulet/generation';
import type { Tokenizer } from '@rivulet/tokenizer';
import { finishReason, type Piece } from './pieces.ts';
import { type ToolCall, withToolCalls } from './tool-calls.ts';
import type { Tools } from './tools.ts';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export function usage(prompt: number, completion: number): Usage {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** A whole choice, put together from its pieces. */
export interface Written {
  text: string;
  readonly pieces: Piece[];
  end?: GenerationEnd;
  toolCalls?: readonly ToolCall[];
}

/** How an endpoint of OpenAI's API spells what was written: its whole answer, and the chunks of a stream. */
export interface Format {
  readonly object: string;
  readonly chunkObject: string;
  readonly idPrefix: string;
  /** Finds more in the pieces than text. */
  read?(pieces: AsyncIterable<Piece>): AsyncGenerator<Piece>;
  choice(index: number, written: Written): object;
  /** Before the first piece of a choice; undefined: nothing. */
  opening(index: number): object | undefined;
  delta(piece: Piece): object;
}

const spelled = (tokenizer: Tokenizer, id: number): string => tokenizer.decode([id], { skipSpecialTokens: false });
const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];

/** /v1/completions. `echoes`: for each choice the text before its own. */
export function completionFormat(tokenizer: Tokenizer, withLogProbs: boolean, echoes: readonly string[]): Format {
  const logProbs = (list: readonly Piece[], from: number): object | null => {
    if (!withLogProbs) return null;
    const made = list.filter(({ id, logProb }) => id !== undefined && logProb !== undefined);
    const tokens = made.map(({ id }) => spelled(tokenizer, id!));
    let at = from;
    const offsets = tokens.map((token) => {
      const offset = at;
      at += token.length;
      return offset;
    });
    return {
      tokens,
      token_logprobs: made.map(({ logProb }) => logProb),
      top_logprobs: made.map(({ topLogProbs = [] }) =>
        Object.fromEntries(topLogProbs.map(({ id, logProb }) => [spelled(tokenizer, id), logProb])),
      ),
      text_offset: offsets,
    };
  };
  const offsets = echoes.map((echo) => echo.length);
  return {
    object: 'text_completion',
    chunkObject: 'text_completion',
    idPrefix: 'cmpl',
    choice: (index, { text, pieces, end }) => ({
      index,
      text: (echoes[index] ?? '') + text,
      logprobs: logProbs(pieces, offsets[index] ?? 0),
      finish_reason: end ? finishReason(end) : null,
    }),
    opening: (index) =>
      echoes[index] ? { index, text: echoes[index], logprobs: null, finish_reason: null } : undefined,
    delta: (piece) => {
      const { index, text, end } = piece;
      const from = offsets[index] ?? 0;
      offsets[index] = from + text.length;
      return { index, text, logprobs: logProbs([piece], from), finish_reason: end ? finishReason(end) : null };
    },
  };
}

/** /v1/chat/completions. */
export function chatFormat(tokenizer: Tokenizer, withLogProbs: boolean, tools: Tools | null = null): Format {
  const reason = (end: GenerationEnd, calls?: readonly ToolCall[]): string =>
    calls ? 'tool_calls' : finishReason(end);
  const token = (id: number, logprob: number): object => {
    const text = spelled(tokenizer, id);
    return { token: text, logprob, bytes: bytes(text) };
  };
  const logProbs = (list: readonly Piece[]): object | null =>
    withLogProbs
      ? {
          content: list
            .filter(({ id, logProb }) => id !== undefined && logProb !== undefined)
            .map(({ id, logProb, topLogProbs = [] }) => ({
              ...token(id!, logProb!),
              top_logprobs: topLogProbs.map((each) => token(each.id, each.logProb)),
            })),
          refusal: null,
        }
      : null;
  return {
    object: 'chat.completion',
    chunkObject: 'chat.completion.chunk',
    idPrefix: 'chatcmpl',
    ...(tools && { read: (pieces) => withToolCalls(pieces, tools) }),
    choice: (index, { text, pieces, end, toolCalls }) => ({
      index,
      message: {
        role: 'assistant',
        content: toolCalls && text === '' ? null : text,
        refusal: null,
        ...(toolCalls && { tool_calls: toolCalls }),
      },
      logprobs: logProbs(pieces),
      finish_reason: end ? reason(end, toolCalls) : null,
    }),
    opening: (index) => ({
      index,
      delta: { role: 'assistant', content: '', refusal: null },
      logprobs: null,
      finish_reason: null,
    }),
    delta: (piece) => ({
      index: piece.index,
      delta: {
        ...(piece.text !== '' && { content: piece.text }),
        ...(piece.toolCalls && { tool_calls: piece.toolCalls.map((call, index) => ({ index, ...call })) }),
      },
      logprobs: logProbs([piece]),
      finish_reason: piece.end ? reason(piece.end, piece.toolCalls) : null,
    }),
  };
}
