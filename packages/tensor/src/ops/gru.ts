import { apply, applyAll, type Tensor } from '../tensor.ts';
import { gruGradient } from './gru-gradient.ts';
import { type Recurrent, recurrentRule } from './recurrent-rule.ts';
import type { Rules } from './rule.ts';

export interface GRUOps {
  /** Gated recurrent units (https://arxiv.org/abs/1406.1078), gates r, z, n; see `recurrentRule` for the shapes. */
  gru: Recurrent;
}

export const gruRules: Rules<GRUOps> = {
  gru: recurrentRule({
    name: 'gru',
    operator: 'GRU',
    gates: [1, 0, 2],
    states: 1,
    attributes: () => ({ linear_before_reset: 1 }), // PyTorch's variant
    gradient: gruGradient,
  }),
};

/** h' from the projected input [B, 3H] and the state [B, H]. */
export function gruStep(projected: Tensor, h: Tensor, weightHH: Tensor, biasHH: Tensor): Tensor {
  const width = h.size(1);
  const split = (t: Tensor): Tensor[] => applyAll('split', [t], { axis: 1, sizes: [2 * width, width] });
  const [inputGates, inputNew] = split(projected);
  const [stateGates, stateNew] = split(apply('linear', [h, weightHH, biasHH], {}));
  const [reset, update] = inputGates!.add(stateGates!).sigmoid().chunk(2, 1);
  const fresh = inputNew!.add(reset!.mul(stateNew!)).tanh();
  return fresh.add(update!.mul(h.sub(fresh)));
}

/** A GRU over a whole sequence: x, h0, weight_ih, weight_hh, bias_ih, bias_hh and, where rows differ, lengths. */
export function gru(inputs: readonly Tensor[], options: Recurrent): { outputs: Tensor; final: Tensor } {
  const [outputs, final] = applyAll('gru', inputs, options);
  return { outputs: outputs!, final: final! };
}
