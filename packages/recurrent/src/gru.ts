import { linear, Module, uniform } from '@rivulet/nn';
import { concat, full, gru, gruStep, parameter, type Tensor } from '@rivulet/tensor';

export interface GRUConfig {
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** Reads the sequence in both directions; the outputs of both are joined. Default false. */
  readonly bidirectional?: boolean;
}

/**
 * One layer of gated recurrent units (https://arxiv.org/abs/1406.1078). Parameters, names, gate order (r, z, n) and initial
 * distribution as in `torch.nn.GRU` with one layer. Trains as a Scan, infers with the runtime's own GRU.
 */
export class GRU extends Module {
  readonly weight_ih_l0: Tensor; // [3H, I]
  readonly weight_hh_l0: Tensor; // [3H, H]
  readonly bias_ih_l0: Tensor; // [3H]
  readonly bias_hh_l0: Tensor; // [3H]
  readonly weight_ih_l0_reverse?: Tensor;
  readonly weight_hh_l0_reverse?: Tensor;
  readonly bias_ih_l0_reverse?: Tensor;
  readonly bias_hh_l0_reverse?: Tensor;
  readonly #hiddenSize: number;

  constructor({ inputSize, hiddenSize, bidirectional = false }: GRUConfig) {
    super();
    this.#hiddenSize = hiddenSize;
    const make = (...shape: number[]): Tensor => uniform(parameter(...shape), 1 / Math.sqrt(hiddenSize));
    this.weight_ih_l0 = make(3 * hiddenSize, inputSize);
    this.weight_hh_l0 = make(3 * hiddenSize, hiddenSize);
    this.bias_ih_l0 = make(3 * hiddenSize);
    this.bias_hh_l0 = make(3 * hiddenSize);
    if (!bidirectional) return;
    this.weight_ih_l0_reverse = make(3 * hiddenSize, inputSize);
    this.weight_hh_l0_reverse = make(3 * hiddenSize, hiddenSize);
    this.bias_ih_l0_reverse = make(3 * hiddenSize);
    this.bias_hh_l0_reverse = make(3 * hiddenSize);
  }

  /**
   * x [T, B, I] with `lengths` int32 [B] → outputs [T, B, D·H] (0 past a row's length) and the last states [D, B, H], D
   * directions. As `torch.nn.GRU` on a packed sequence.
   * @param initial [D, B, H]; zeros by default.
   */
  forward(x: Tensor, lengths: Tensor, initial?: Tensor): { outputs: Tensor; final: Tensor } {
    const directions = this.#directions();
    const states = initial?.chunk(directions.length, 0);
    const runs = directions.map((weights, i) => {
      const start = states?.[i]?.squeeze(0) ?? full([x.dim(1), this.#hiddenSize], 0);
      return gru([x, start, ...weights, lengths], { reverse: i === 1 });
    });
    const outputs = runs.map((run) => run.outputs);
    const final = runs.map((run) => run.final.unsqueeze(0));
    return { outputs: concat(outputs, 2), final: concat(final, 0) };
  }

  /** One step of the forward direction: x [B, I], state [B, H] → the next state [B, H]. */
  step(x: Tensor, state: Tensor): Tensor {
    return gruStep(linear(x, this.weight_ih_l0, this.bias_ih_l0), state, this.weight_hh_l0, this.bias_hh_l0);
  }

  #directions(): Tensor[][] {
    const forward = [this.weight_ih_l0, this.weight_hh_l0, this.bias_ih_l0, this.bias_hh_l0];
    const backward = [
      this.weight_ih_l0_reverse,
      this.weight_hh_l0_reverse,
      this.bias_ih_l0_reverse,
      this.bias_hh_l0_reverse,
    ].filter((t) => t !== undefined);
    return backward.length === 0 ? [forward] : [forward, backward];
  }
}
