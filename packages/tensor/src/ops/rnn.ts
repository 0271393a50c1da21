import { apply, applyAll, type OpNode, type Tensor } from '../tensor.ts';
import { full } from './layout.ts';
import { addmm } from './matmul.ts';
import { inputGradients, masked, projections, recurrentInputs } from './recurrent.ts';
import { type Recurrent, recurrentRule } from './recurrent-rule.ts';
import type { GradientArgs, Rules } from './rule.ts';
import { scan } from './scan.ts';

export type Nonlinearity = 'tanh' | 'relu';

export interface RNNOps {
  /** The simple recurrent layer (Elman, https://doi.org/10.1207/s15516709cog1402_1); see `recurrentRule`. */
  rnn: Recurrent & { nonlinearity: Nonlinearity };
}

export const rnnRules: Rules<RNNOps> = {
  rnn: recurrentRule<RNNOps['rnn']>({
    name: 'rnn',
    operator: 'RNN',
    gates: [0],
    states: 1,
    attributes: ({ nonlinearity }) => ({ activations: { strings: [nonlinearity === 'tanh' ? 'Tanh' : 'Relu'] } }),
    gradient: rnnGradient,
  }),
};

/** Built as that of `gru`: see there. */
function rnnGradient({ inputs, outputs, attrs, grads }: GradientArgs<RNNOps['rnn']>): (Tensor | null)[] {
  const given = recurrentInputs(inputs, 1);
  const { x, weightIH, weightHH, biasIH, biasHH } = given;
  const h0 = inputs[1]!;
  const { reverse, nonlinearity } = attrs;
  const projected = projections(x, weightIH, [biasIH.add(biasHH)]);
  const valid = given.valid ? [given.valid] : [];
  const forward = scan(
    ([h], [xt, inside]) => {
      const next = addmm(xt!, h!, weightHH, { transposeB: true })[nonlinearity]();
      const state = inside ? h!.add(next.sub(h!).mul(inside)) : next;
      return { carry: [state], outputs: [next, h!] };
    },
    { initial: [h0], sequences: [...projected, ...valid], reverse },
  );
  const [states, before] = forward.outputs as [Tensor, Tensor];
  (outputs[0]!.node as OpNode).replacement = [masked(states, given.valid), forward.final[0]!];

  const slope = nonlinearity === 'tanh' ? states.mul(states).neg().add(1) : states.greater(0).cast('float32');
  const [dStates, dFinal] = grads;
  const backward = scan(
    ([later], [slope, ...rest]) => {
      const d = dStates ? later!.add(rest.at(-1)!) : later!;
      const inside = valid.length > 0 ? rest[0]! : null;
      const gate = d.mul(slope!);
      const earlier = inside
        ? addmm(d.sub(d.mul(inside)), gate, weightHH) // past a row's length the state stayed
        : gate.matmul(weightHH);
      return { carry: [earlier], outputs: [gate] };
    },
    {
      initial: [dFinal ?? full(h0.shape, 0)],
      sequences: [masked(slope, given.valid), ...valid, ...(dStates ? [masked(dStates, given.valid)] : [])],
      reverse: !reverse,
    },
  );
  const gate = backward.outputs;
  return inputGradients(given, { ofInput: gate, ofState: gate, before, initial: backward.final });
}

/** h' from the projected input [B, H] and the state [B, H]. */
export function rnnStep(
  projected: Tensor,
  h: Tensor,
  weightHH: Tensor,
  biasHH: Tensor,
  nonlinearity: Nonlinearity = 'tanh',
): Tensor {
  return projected.add(apply('linear', [h, weightHH, biasHH], {}))[nonlinearity]();
}

/** A simple recurrent layer over a whole sequence: x, h0, weight_ih, weight_hh, bias_ih, bias_hh and, where rows differ, lengths. */
export function rnn(inputs: readonly Tensor[], options: RNNOps['rnn']): { outputs: Tensor; final: Tensor } {
  const [outputs, final] = applyAll('rnn', inputs, options);
  return { outputs: outputs!, final: final! };
}
