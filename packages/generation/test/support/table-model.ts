import type { DecodingSession, LanguageModel } from '../../src/index.ts';

/** A model whose logits are a function of the tokens so far, and that counts what is done with it. */
export interface TableModel extends LanguageModel {
  readonly calls: { opened: number; steps: number; disposed: number };
}

export interface TableOptions {
  readonly vocabSize: number;
  readonly eosTokenIds?: readonly number[];
  readonly maxNewTokens?: number;
  /** Awaited at the start of every step, with the step's number from 1. */
  readonly onStep?: (step: number) => void | Promise<void>;
}

const START = 1_000_000; // no token: a search that fed it anywhere but in the first step would be caught below

/** `logitsOf` gets the generated tokens, without the start token. Rows are followed through `parents`, as a real cache would be. */
export function tableModel(
  { vocabSize, eosTokenIds = [0], maxNewTokens, onStep }: TableOptions,
  logitsOf: (tokens: readonly number[], prompt: readonly number[]) => ArrayLike<number>,
): TableModel {
  const calls = { opened: 0, steps: 0, disposed: 0 };
  return {
    vocabSize,
    eosTokenIds,
    ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
    calls,
    async open(prompt): Promise<DecodingSession> {
      calls.opened++;
      let rows: number[][] = [[]];
      let disposed = false;
      return {
        firstToken: START,
        async step(tokens, parents) {
          if (disposed) throw new Error('step after dispose');
          calls.steps++;
          await onStep?.(calls.steps);
          rows = tokens.map((token, r) => {
            const parent = rows[parents[r]!];
            if (!parent) throw new Error(`row ${r} has no parent ${parents[r]}`);
            return [...parent, token];
          });
          const logits = new Float32Array(rows.length * vocabSize);
          for (const [r, [start, ...made]] of rows.entries()) {
            if (start !== START) throw new Error('the first token is not the start token');
            logits.set(Array.from(logitsOf(made, Array.from(prompt))), r * vocabSize);
          }
          return logits;
        },
        dispose() {
          if (disposed) throw new Error('disposed twice');
          disposed = true;
          calls.disposed++;
        },
      };
    },
  };
}

/** Logits that depend on every token so far, the same for the same seed: a wrong parent gives other numbers. */
export function hashedLogits(seed: number, vocabSize: number, spread = 3): (tokens: readonly number[]) => number[] {
  return (tokens) => {
    let state = seed | 0;
    for (const token of tokens) state = Math.imul(state ^ (token + 1), 0x9e3779b1) ^ (state >>> 13);
    return Array.from({ length: vocabSize }, () => {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
      return (((state ^ (state >>> 14)) >>> 0) / 2 ** 32) * spread;
    });
  };
}

export function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(Float32Array.from(logits));
  const max = Math.max(...values);
  const log = max + Math.log(values.reduce((sum, x) => sum + Math.exp(x - max), 0));
  return values.map((x) => x - log);
}
