import { linear, Module } from '@rivulet/nn';
import { gru, gruStep, type Tensor } from '@rivulet/tensor';
import { runStack } from './stack.ts';
import { layerWeights, makeWeights, type RecurrentConfig, type RecurrentInput, type WeightName } from './weights.ts';

/** As `RecurrentInput`, with the first states. */
export interface StateInput extends RecurrentInput {
  /** [numLayers·D, B, H]; zeros by default. */
  readonly initial?: Tensor;
}

/**
 * Gated recurrent units (https://arxiv.org/abs/1406.1078). Parameters, names, gate order (r, z, n) and initial distribution
 * as in `torch.nn.GRU`. Trains as a Scan, infers with the runtime's own GRU.
 */
export class GRU extends Module {
  [name: WeightName]: Tensor;
  readonly #config: RecurrentConfig;

  /** @throws RangeError where a size is no positive integer. */
  constructor(config: RecurrentConfig) {
    super();
    this.#config = config;
    makeWeights(this, config, 3);
  }

  /**
   * x [T, B, I] → outputs [T, B, D·H] (0 past a row's length) and the last states [numLayers·D, B, H], D directions.
   */
  forward(x: Tensor, { lengths, initial }: StateInput = {}): { outputs: Tensor; final: Tensor } {
    const rows = lengths ? [lengths] : [];
    const { outputs, final } = runStack(this, this.#config, x, [initial ?? null], (input, states, weights, reverse) => {
      const run = gru([input, ...states, ...weights, ...rows], { reverse });
      return { outputs: run.outputs, final: [run.final] };
    });
    return { outputs, final: final[0]! };
  }

  /** One step of the first layer's forward direction: x [B, I], state [B, H] → the next state [B, H]. */
  step(x: Tensor, state: Tensor): Tensor {
    const [weightIH, weightHH, biasIH, biasHH] = layerWeights(this, 0, false)[0]!;
    return gruStep(linear(x, weightIH, biasIH), state, weightHH, biasHH);
  }
}
