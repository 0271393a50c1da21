import { formatShape, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { NodeAttributes } from '../lowering/lowering.ts';
import type { Tensor } from '../tensor.ts';
import type { GradientArgs, PrimitiveRule } from './rule.ts';

export interface Recurrent {
  /** From the last step to the first. */
  readonly reverse: boolean;
}

interface Cell<A> {
  readonly name: string;
  /** The runtime's operator, used where nothing is differentiated. */
  readonly operator: 'GRU' | 'LSTM' | 'RNN';
  /** For each of the operator's gates, its number in PyTorch's order. */
  readonly gates: readonly number[];
  /** How many states are carried. */
  readonly states: number;
  readonly attributes?: (attrs: A) => NodeAttributes;
  readonly gradient: (args: GradientArgs<A>) => (Tensor | null)[];
}

/**
 * x [T, B, I], states [B, H], weight_ih [G·H, I], weight_hh [G·H, H], bias_ih [G·H], bias_hh [G·H] as in PyTorch and, where rows
 * differ, lengths int32 [B] → outputs [T, B, H] and the final states. Past a row's length the states stay and outputs are 0.
 */
export function recurrentRule<A extends Recurrent>(cell: Cell<A>): PrimitiveRule<A> {
  const { name, operator, gates, states, attributes, gradient } = cell;
  return {
    shape: (inputs) => {
      const [x, h0] = inputs;
      const width = h0!.shape[1] as number;
      const [time, batch, size] = x!.shape;
      const rows = gates.length * width;
      const initial = Array.from({ length: states }, () => [batch!, width]);
      [undefined, ...initial, [rows, size!], [rows, width], [rows], [rows], [batch!]].forEach((expected, i) => {
        const actual = inputs[i]?.shape;
        if (expected && actual && !sameShape(actual, expected))
          throw new ShapeError(name, `input ${i} has shape ${formatShape(actual)}, expected ${formatShape(expected)}`);
      });
      return [{ dtype: 'float32', shape: [time!, batch!, width] }, ...inputs.slice(1, 1 + states)];
    },
    gradient,
    lower: (g, { names, attrs, inputs }) => {
      const [x, ...rest] = names;
      const initial = rest.slice(0, states);
      const [weightIH, weightHH, biasIH, biasHH, lengths = ''] = rest.slice(states);
      const axis0 = g.ints([0]);
      const direction = (value: string): string => g.op('Unsqueeze', [value, axis0]);
      const reorder = (value: string): string => {
        if (gates.length === 1) return value;
        const parts = g.ops(gates.length, 'Split', [value], { axis: 0, num_outputs: gates.length });
        return g.op(
          'Concat',
          gates.map((gate) => parts[gate]!),
          { axis: 0 },
        );
      };
      const weights = [weightIH!, weightHH!].map((value) => direction(reorder(value)));
      const bias = direction(g.op('Concat', [reorder(biasIH!), reorder(biasHH!)], { axis: 0 }));
      const results = g.ops(1 + states, operator, [x!, ...weights, bias, lengths, ...initial.map(direction)], {
        hidden_size: inputs[1]!.size(1),
        direction: attrs.reverse ? 'reverse' : 'forward',
        ...attributes?.(attrs),
      });
      return results.map((value, i) => g.op('Squeeze', [value, g.ints([i === 0 ? 1 : 0])]));
    },
  };
}
