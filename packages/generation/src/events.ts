/** What happens while one prompt is continued, in this order: one start, the tokens, one end. */
export type GenerationEvent =
  | { readonly type: 'generation-start' }
  | { readonly type: 'token'; readonly id: number }
  | GenerationEnd;

export interface GenerationEnd {
  readonly type: 'generation-end';
  /** All tokens, without the one that ended the text. */
  readonly tokens: readonly number[];
  /** Summed log-probability divided by length^lengthPenalty, the end token counted. */
  readonly score: number;
  readonly reason: 'eos' | 'length' | 'empty';
}
