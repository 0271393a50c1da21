import type { OperatorFunction } from 'rxjs';

/** What an operator says of itself. */
export interface OperatorFacts<R = unknown> {
  /** The most items that it has pulled and not completed. */
  readonly window: number;
  /** How many of its items a value completes. Default: one. */
  readonly completes?: (value: R) => number;
  /** How many tokens a value stands for. Default: none. */
  readonly tokens?: (value: R) => number;
}

const known = new WeakMap<OperatorFunction<never, unknown>, OperatorFacts<never>>();

/** Notes what is known of an operator; gives it back. */
export function withFacts<T, R>(operator: OperatorFunction<T, R>, facts: OperatorFacts<R>): OperatorFunction<T, R> {
  known.set(operator as OperatorFunction<never, unknown>, facts);
  return operator;
}

export function factsOf<T, R>(operator: OperatorFunction<T, R>): OperatorFacts<R> | undefined {
  return known.get(operator as OperatorFunction<never, unknown>) as OperatorFacts<R> | undefined;
}

/**
 * The most items that an operator of this package has pulled and not completed. A chain of operators has at most 1 + the sum of
 * (window − 1). `undefined` for an operator of others, which may have any number.
 */
export function windowOf<T, R>(operator: OperatorFunction<T, R>): number | undefined {
  return factsOf(operator)?.window;
}
