import { Module } from '@rivulet/nn';
import { type LSTMState, lstm, type Tensor } from '@rivulet/tensor';
import { runStack } from './stack.ts';
import { makeWeights, type RecurrentConfig, type RecurrentInput, type WeightName } from './weights.ts';

export interface LSTMInput extends RecurrentInput {
  /** h and c, each [numLayers·D, B, H]; zeros by default. */
  readonly initial?: LSTMState;
}

/**
 * Long short-term memory (https://doi.org/10.1162/neco.1997.9.8.1735). Parameters, names, gate order (i, f, g, o) and initial
 * distribution as in `torch.nn.LSTM`. Trains as a Scan, infers with the runtime's own LSTM.
 */
export class LSTM extends Module {
  [name: WeightName]: Tensor;
  readonly #config: RecurrentConfig;

  /** @throws RangeError where a size is no positive integer. */
  constructor(config: RecurrentConfig) {
    super();
    this.#config = config;
    makeWeights(this, config, 4);
  }

  /** x [T, B, I] → outputs [T, B, D·H] (0 past a row's length) and the last states, each [numLayers·D, B, H], D directions. */
  forward(x: Tensor, { lengths, initial }: LSTMInput = {}): { outputs: Tensor; final: LSTMState } {
    const rows = lengths ? [lengths] : [];
    const starts = [initial?.h ?? null, initial?.c ?? null];
    const { outputs, final } = runStack(this, this.#config, x, starts, (input, states, weights, reverse) => {
      const run = lstm([input, ...states, ...weights, ...rows], { reverse });
      return { outputs: run.outputs, final: [run.final.h, run.final.c] };
    });
    return { outputs, final: { h: final[0]!, c: final[1]! } };
  }
}
