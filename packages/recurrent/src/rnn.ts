import { Module } from '@rivulet/nn';
import { type Nonlinearity, rnn, type Tensor } from '@rivulet/tensor';
import type { StateInput } from './gru.ts';
import { runStack } from './stack.ts';
import { makeWeights, type RecurrentConfig, type WeightName } from './weights.ts';

export interface RNNConfig extends RecurrentConfig {
  /** Default 'tanh'. */
  readonly nonlinearity?: Nonlinearity;
}

/**
 * The simple recurrent network (Elman 1990, https://doi.org/10.1207/s15516709cog1402_1). Parameters, names and initial
 * distribution as in `torch.nn.RNN`.
 */
export class RNN extends Module {
  [name: WeightName]: Tensor;
  readonly #config: RNNConfig;

  /** @throws RangeError where a size is no positive integer. */
  constructor(config: RNNConfig) {
    super();
    this.#config = config;
    makeWeights(this, config, 1);
  }

  /** x [T, B, I] → outputs [T, B, D·H] (0 past a row's length) and the last states [numLayers·D, B, H], D directions. */
  forward(x: Tensor, { lengths, initial }: StateInput = {}): { outputs: Tensor; final: Tensor } {
    const rows = lengths ? [lengths] : [];
    const { nonlinearity = 'tanh' } = this.#config;
    const { outputs, final } = runStack(this, this.#config, x, [initial ?? null], (input, states, weights, reverse) => {
      const run = rnn([input, ...states, ...weights, ...rows], { reverse, nonlinearity });
      return { outputs: run.outputs, final: [run.final] };
    });
    return { outputs, final: final[0]! };
  }
}
