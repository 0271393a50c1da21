/**
 * What generation needs of a model. Models satisfy it by shape and never import this package's streams.
 * One prompt opens one session; the rows of a session are the hypotheses that continue that prompt.
 */
export interface LanguageModel {
  readonly vocabSize: number;
  /** The first ends a hypothesis; all of them do. */
  readonly eosTokenIds: readonly number[];
  /** The most tokens a generation may have, where the model has a limit. */
  readonly maxNewTokens?: number;
  /**
   * Reads a prompt (a source sentence for an encoder-decoder, the text so far for a decoder alone).
   * @throws RangeError when the prompt is empty or longer than the model's context.
   */
  open(prompt: ArrayLike<number>): Promise<DecodingSession>;
}

export interface DecodingSession {
  /** The token to feed in the first step: the start token, or the last one of a prompt. */
  readonly firstToken: number;
  /**
   * Advances every hypothesis by one token. Row r continues row `parents[r]` of the step before (row 0 in the first step)
   * with `tokens[r]`; the number of rows may change from step to step.
   * @returns the next token's logits, row-major [rows, vocabSize], unnormalized; valid until the next step.
   */
  step(tokens: readonly number[], parents: readonly number[]): Promise<Float32Array>;
  /** Frees what the session holds. */
  dispose(): void;
}
