/** What a text must look like. */
export interface Constraint {
  /** The state before the first token. @throws RangeError where the constraint was made for another vocabulary. */
  start(vocabSize: number): ConstraintState;
}

export interface ConstraintState {
  /** One byte for every token of the vocabulary: 1 where the token may come next. End tokens are not judged. */
  readonly allowed: Uint8Array;
  /** Whether the text may end here. */
  readonly complete: boolean;
  /** The state after an allowed token. */
  advance(token: number): ConstraintState;
}
