import { formatShape, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Lowering } from '../lowering/lowering.ts';
import { apply, applyAll, type Tensor } from '../tensor.ts';
import { iota } from './layout.ts';
import type { Rules } from './rule.ts';
import { scan } from './scan.ts';

export interface GRUOps {
  /**
   * x [T, B, I], h0 [B, H], weight_ih [3H, I], weight_hh [3H, H], bias_ih [3H], bias_hh [3H] (gates r, z, n as in PyTorch)
   * and lengths int32 [B] → outputs [T, B, H], final state [B, H]. Past a row's length the state stays and outputs are 0.
   */
  gru: { reverse: boolean };
}

export const gruRules: Rules<GRUOps> = {
  gru: {
    shape: ([x, h0, weightIH, weightHH, biasIH, biasHH, lengths]) => {
      const width = h0!.shape[1] as number;
      const [time, batch, size] = x!.shape;
      const expected = [[3 * width, size!], [3 * width, width], [3 * width], [3 * width], [batch!]];
      [weightIH, weightHH, biasIH, biasHH, lengths].forEach((t, i) => {
        if (!sameShape(t!.shape, expected[i]!))
          throw new ShapeError(
            'gru',
            `input ${i + 2} has shape ${formatShape(t!.shape)}, expected ${formatShape(expected[i]!)}`,
          );
      });
      return [{ dtype: 'float32', shape: [time!, batch!, width] }, h0!];
    },
    expand: ([x, h0, weightIH, weightHH, biasIH, biasHH, lengths], { reverse }) => {
      const [time, batch, size] = x!.shape;
      const width = h0!.size(1);
      // One product for all steps before the loop; only the recurrent one is left inside.
      const projected = apply('linear', [x!.reshape([-1, size!]), weightIH!, biasIH!], {}).reshape([
        time!,
        batch!,
        3 * width,
      ]);
      const inside = iota(time!).cast('int32').unsqueeze(1).less(lengths!.unsqueeze(0)).cast('float32').unsqueeze(2);
      const { final, outputs } = scan(
        ([h], [input, valid]) => {
          const next = gruStep(input!, h!, weightHH!, biasHH!);
          const state = h!.add(next.sub(h!).mul(valid!));
          return { carry: [state], outputs: [state] };
        },
        { initial: [h0!], sequences: [projected, inside], reverse },
      );
      return [outputs[0]!.mul(inside), final[0]!];
    },
    lower: (g, { names: [x, h0, weightIH, weightHH, biasIH, biasHH, lengths], attrs, inputs }) => {
      const axis0 = g.ints([0]);
      const reorder = (name: string): string => {
        const [r, z, n] = g.ops(3, 'Split', [name], { axis: 0, num_outputs: 3 });
        return g.op('Concat', [z!, r!, n!], { axis: 0 }); // ONNX's order of the gates
      };
      const direction = (name: string): string => g.op('Unsqueeze', [name, axis0]);
      const bias = g.op('Concat', [reorder(biasIH!), reorder(biasHH!)], { axis: 0 });
      const [y, final] = g.ops(
        2,
        'GRU',
        [x!, direction(reorder(weightIH!)), direction(reorder(weightHH!)), direction(bias), lengths!, direction(h0!)],
        {
          hidden_size: inputs[1]!.size(1),
          linear_before_reset: 1,
          direction: attrs.reverse ? 'reverse' : 'forward',
        },
      );
      return [squeeze(g, y!, 1), squeeze(g, final!, 0)];
    },
  },
};

const squeeze = (g: Lowering, name: string, axis: number): string => g.op('Squeeze', [name, g.ints([axis])]);

/** h' from the projected input [B, 3H] and the state [B, H] (https://arxiv.org/abs/1406.1078, PyTorch's variant). */
export function gruStep(projected: Tensor, h: Tensor, weightHH: Tensor, biasHH: Tensor): Tensor {
  const width = h.size(1);
  const split = (t: Tensor): Tensor[] => applyAll('split', [t], { axis: 1, sizes: [2 * width, width] });
  const [inputGates, inputNew] = split(projected);
  const [stateGates, stateNew] = split(apply('linear', [h, weightHH, biasHH], {}));
  const [reset, update] = inputGates!.add(stateGates!).sigmoid().chunk(2, 1);
  const fresh = inputNew!.add(reset!.mul(stateNew!)).tanh();
  return fresh.add(update!.mul(h.sub(fresh)));
}

/** A GRU over a whole sequence; see the operation `gru` for shapes. */
export function gru(inputs: readonly Tensor[], options: { reverse: boolean }): { outputs: Tensor; final: Tensor } {
  const [outputs, final] = applyAll('gru', inputs, options);
  return { outputs: outputs!, final: final! };
}
