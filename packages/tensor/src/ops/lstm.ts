import { apply, applyAll, type Tensor } from '../tensor.ts';
import { lstmGradient } from './lstm-gradient.ts';
import { type Recurrent, recurrentRule } from './recurrent-rule.ts';
import type { Rules } from './rule.ts';

export interface LSTMOps {
  /** Long short-term memory (https://doi.org/10.1162/neco.1997.9.8.1735), gates i, f, g, o; states h and c; see `recurrentRule`. */
  lstm: Recurrent;
}

export const lstmRules: Rules<LSTMOps> = {
  lstm: recurrentRule({ name: 'lstm', operator: 'LSTM', gates: [0, 3, 1, 2], states: 2, gradient: lstmGradient }),
};

export interface LSTMState {
  /** What the layer puts out, [B, H]. */
  readonly h: Tensor;
  /** The cell, [B, H]. */
  readonly c: Tensor;
}

/** The next states from the projected input [B, 4H]. */
export function lstmStep(projected: Tensor, { h, c }: LSTMState, weightHH: Tensor, biasHH: Tensor): LSTMState {
  const gates = projected.add(apply('linear', [h, weightHH, biasHH], {}));
  const [i, f, g, o] = gates.chunk(4, 1);
  const next = f!.sigmoid().mul(c).add(i!.sigmoid().mul(g!.tanh()));
  return { h: o!.sigmoid().mul(next.tanh()), c: next };
}

/** An LSTM over a whole sequence: x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh and, where rows differ, lengths. */
export function lstm(inputs: readonly Tensor[], options: Recurrent): { outputs: Tensor; final: LSTMState } {
  const [outputs, h, c] = applyAll('lstm', inputs, options);
  return { outputs: outputs!, final: { h: h!, c: c! } };
}
