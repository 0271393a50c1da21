import { linear, Module, uniform } from '@rivulet/nn';
import { gruStep, type LSTMState, lstmStep, type Nonlinearity, parameter, rnnStep, type Tensor } from '@rivulet/tensor';

export interface CellConfig {
  readonly inputSize: number;
  readonly hiddenSize: number;
}

/** What the cells share: the weights of `gates` gates, uniform in ±1/√H as in PyTorch. */
function weights({ inputSize, hiddenSize }: CellConfig, gates: number): [Tensor, Tensor, Tensor, Tensor] {
  const rows = gates * hiddenSize;
  const make = (...shape: number[]): Tensor => uniform(parameter(...shape), 1 / Math.sqrt(hiddenSize));
  return [make(rows, inputSize), make(rows, hiddenSize), make(rows), make(rows)];
}

/** One step of a simple recurrent network. Parameters as in `torch.nn.RNNCell`. */
export class RNNCell extends Module {
  readonly weight_ih: Tensor; // [H, I]
  readonly weight_hh: Tensor; // [H, H]
  readonly bias_ih: Tensor; // [H]
  readonly bias_hh: Tensor; // [H]
  readonly #nonlinearity: Nonlinearity;

  constructor({ nonlinearity = 'tanh', ...sizes }: CellConfig & { readonly nonlinearity?: Nonlinearity }) {
    super();
    this.#nonlinearity = nonlinearity;
    [this.weight_ih, this.weight_hh, this.bias_ih, this.bias_hh] = weights(sizes, 1);
  }

  /** x [B, I], state [B, H] → the next state [B, H]. */
  forward(x: Tensor, state: Tensor): Tensor {
    const projected = linear(x, this.weight_ih, this.bias_ih);
    return rnnStep(projected, state, this.weight_hh, this.bias_hh, this.#nonlinearity);
  }
}

/** One step of a GRU. Parameters and gate order (r, z, n) as in `torch.nn.GRUCell`. */
export class GRUCell extends Module {
  readonly weight_ih: Tensor; // [3H, I]
  readonly weight_hh: Tensor; // [3H, H]
  readonly bias_ih: Tensor; // [3H]
  readonly bias_hh: Tensor; // [3H]

  constructor(config: CellConfig) {
    super();
    [this.weight_ih, this.weight_hh, this.bias_ih, this.bias_hh] = weights(config, 3);
  }

  /** x [B, I], state [B, H] → the next state [B, H]. */
  forward(x: Tensor, state: Tensor): Tensor {
    return gruStep(linear(x, this.weight_ih, this.bias_ih), state, this.weight_hh, this.bias_hh);
  }
}

/** One LSTM step. Parameters and gate order (i, f, g, o) as in `torch.nn.LSTMCell`. */
export class LSTMCell extends Module {
  readonly weight_ih: Tensor; // [4H, I]
  readonly weight_hh: Tensor; // [4H, H]
  readonly bias_ih: Tensor; // [4H]
  readonly bias_hh: Tensor; // [4H]

  constructor(config: CellConfig) {
    super();
    [this.weight_ih, this.weight_hh, this.bias_ih, this.bias_hh] = weights(config, 4);
  }

  /** x [B, I], state { h, c } each [B, H] → the next state. */
  forward(x: Tensor, state: LSTMState): LSTMState {
    return lstmStep(linear(x, this.weight_ih, this.bias_ih), state, this.weight_hh, this.bias_hh);
  }
}
