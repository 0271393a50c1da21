/** What happens while one prompt is continued, in this order: one start, the tokens, one end. */
export type GenerationEvent = { readonly type: 'generation-start' } | TokenEvent | GenerationEnd;

export interface TokenEvent {
  readonly type: 'token';
  readonly id: number;
  /** Which of several sampled sequences the token belongs to; absent where there is one. */
  readonly sequence?: number;
  /** With `outputLogprobs`: the token's log-probability, after the logits processors and before temperature and cuts. */
  readonly logProb?: number;
  /** With `topLogprobs`: the likeliest tokens of this position, likeliest first. */
  readonly topLogProbs?: readonly TokenLogProb[];
  /** With `stopStrings`: the text that came with this token. */
  readonly piece?: string;
}

export interface TokenLogProb {
  readonly id: number;
  readonly logProb: number;
}

/** One generated text. */
export interface GeneratedSequence {
  /** All tokens, without the one that ended the text; with a stop string, those that lie wholly before it. */
  readonly tokens: readonly number[];
  /** Summed log-probability divided by length^lengthPenalty, the end token counted. */
  readonly score: number;
  readonly reason: EndReason;
  /** With `outputLogprobs`: one for every token, and last the end token's where one ended the text. */
  readonly logProbs?: readonly number[];
  /** With `stopStrings`: the text before the stop string, whole. */
  readonly generatedText?: string;
  /** With `stopStrings`: what of that text came with no token event, as the stop string begins within a token. */
  readonly piece?: string;
  /** The stop string that ended the text. */
  readonly stopString?: string;
}

/** `stop`: a stop string, or a constraint that allows nothing more; `time`: `maxTime` is over. */
export type EndReason = 'eos' | 'length' | 'empty' | 'stop' | 'time';

export interface GenerationEnd extends GeneratedSequence {
  readonly type: 'generation-end';
  /** With `numReturnSequences` above 1: all sequences; beams with the best first. The event's own fields are the first's. */
  readonly sequences?: readonly GeneratedSequence[];
}
