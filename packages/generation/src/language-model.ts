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
  /** The most tokens of a prompt and its continuation together, where the model continues its prompt and has a limit. */
  readonly contextLength?: number;
  /** What stands for an empty prompt, where the model continues its prompt. */
  readonly bosTokenId?: number;
  /**
   * The generated text continues the prompt itself, as with a decoder alone: then penalties, n-grams and lengths count the
   * prompt's tokens. Default false: the prompt is a source text, and only the start token stands before the first made one.
   */
  readonly continuesPrompt?: boolean;
  /**
   * Reads a prompt (a source sentence for an encoder-decoder, the text so far for a decoder alone).
   * @throws RangeError when the prompt is empty or longer than the model's context.
   */
  open(prompt: ArrayLike<number>, request?: SessionRequest): Promise<DecodingSession>;
}

/** What a model that serves many sessions at once should know of one. */
export interface SessionRequest {
  /** Hypotheses at once. Default 1. */
  readonly rows?: number;
  /** Tokens that will be made at most. Default: as many as the context has room for. */
  readonly maxNewTokens?: number;
  /** Sessions with a higher one go first while others wait for room. Default 0. */
  readonly priority?: number;
  /** Steps that wait when it is aborted are rejected. */
  readonly signal?: AbortSignal;
}

/** What a model finds in each row of logits with its own kernels: in JavaScript it takes longer than all the rest of a token. */
export interface Peaks {
  /** The position of the largest; the first of ties. */
  readonly best: Int32Array;
  /** log Σ exp(logit − largest); no finite number where a logit is NaN or the largest is not finite. */
  readonly logSum: Float32Array;
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
  /**
   * Advances the only hypothesis by several tokens at once.
   * @returns the logits after each of them, row-major [tokens.length, vocabSize]; valid until the next step.
   */
  stepMany?(tokens: readonly number[]): Promise<Float32Array>;
  /** Forgets the last `count` tokens that were fed to the only hypothesis. */
  rewind?(count: number): void;
  /** What the model found in the logits of the last step, of either kind, where it looks; valid as long as these. */
  readonly peaks?: Peaks | undefined;
  /** Frees what the session holds. */
  dispose(): void;
}
