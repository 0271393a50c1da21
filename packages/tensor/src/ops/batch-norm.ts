import { type Dim, formatShape, type Shape, sameShape, sizeOf } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import { apply, type Tensor } from '../tensor.ts';
import { countOf, sumLeading } from './reduce.ts';
import type { Rules } from './rule.ts';

export interface BatchNormOps {
  /** x [N, C, …], weight [C], bias [C], mean [C], variance [C] → (x − mean)/√(variance + eps)·weight + bias. */
  normalizeChannels: { eps: number };
  /**
   * The same with the batch's own statistics (https://arxiv.org/abs/1502.03167): x, weight, bias → y, mean [C] and variance [C], the
   * latter two without gradient.
   */
  batchNorm: { eps: number };
}

/** [C] as [1, C, 1, …], to broadcast against x. */
const perChannel = (t: Tensor, x: Tensor): Tensor => t.reshape([1, x.dim(1), ...x.shape.slice(2).map(() => 1)]);

const others = (x: Tensor): number[] => x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));

function wantChannels(op: string, [x, ...vectors]: readonly { shape: Shape }[]): void {
  for (const { shape } of vectors)
    if (x!.shape.length < 2 || !sameShape(shape, [x!.shape[1]!]))
      throw new ShapeError(op, `a vector ${formatShape(shape)} does not fit the channels of ${formatShape(x!.shape)}`);
}

export const batchNormRules: Rules<BatchNormOps> = {
  normalizeChannels: {
    shape: (inputs) => {
      wantChannels('normalizeChannels', inputs);
      return [inputs[0]!];
    },
    expand: ([x, weight, bias, mean, variance], { eps }) => {
      const scale = weight!.div(variance!.add(eps).sqrt());
      return [x!.mul(perChannel(scale, x!)).add(perChannel(bias!.sub(mean!.mul(scale)), x!))];
    },
    channelsLast: {
      inputs: [0],
      outputs: [0],
      when: (_, { inputs: [x] }, given) => given && x!.rank === 4,
      lower: (g, { names: [x, weight, bias, mean, variance], attrs: { eps } }) => {
        const scale = g.op('Div', [weight!, g.op('Sqrt', [g.op('Add', [variance!, g.float(eps)])])]);
        const offset = g.op('Sub', [bias!, g.op('Mul', [mean!, scale])]);
        return [g.op('Add', [g.op('Mul', [x!, scale]), offset])];
      },
    },
    lower: (g, { names, attrs }) => [g.op('BatchNormalization', names, { epsilon: { float: attrs.eps } })],
  },
  batchNorm: {
    shape: (inputs) => {
      wantChannels('batchNorm', inputs);
      return [inputs[0]!, inputs[1]!, inputs[1]!];
    },
    gradient: ({ inputs: [x, weight], outputs: [, mean, variance], attrs: { eps }, grads: [g, ...rest] }) => {
      if (rest.some(Boolean)) throw new ShapeError('batchNorm', 'the statistics that it returns have no gradient');
      const axes = others(x!);
      const inverse = variance!.add(eps).sqrt().reciprocal();
      const scale = weight!.mul(inverse);
      const dBias = g!.sum(axes);
      const dWeight = g!.mul(x!).sum(axes).sub(mean!.mul(dBias)).mul(inverse);
      // dx = (g − mean of g − normalized x · mean of g · normalized x) · scale: the last two are one pass over x.
      const share = scale.div(countOf(x!, axes)).neg();
      const shift = apply('normalizeChannels', [x!, share.mul(dWeight), share.mul(dBias), mean!, variance!], { eps });
      return [g!.mul(perChannel(scale, x!)).add(shift), dWeight, dBias];
    },
    channelsLast: {
      inputs: [0],
      outputs: [0],
      when: (_, { inputs: [x] }, given) => given && x!.rank === 4,
      lower: (g, { names: [x, weight, bias], inputs: [input], attrs: { eps } }) => {
        const [batch, channels, height, width] = input!.shape as [Dim, Dim, Dim, Dim];
        const image = [height, width, batch, channels];
        const count = g.op('Cast', [g.op('Squeeze', [g.shape([sizeOf([height, width, batch])])])], { to: 1 });
        const mean = (value: string): string => {
          const sums = sumLeading(g, value, image, 2, [batch, channels]);
          return g.op('Div', [sumLeading(g, sums, [batch, channels], 1, [channels]), count]);
        };
        const average = mean(x!);
        const centered = g.op('Sub', [x!, average]);
        const variance = mean(g.op('Mul', [centered, centered]));
        const scale = g.op('Div', [weight!, g.op('Sqrt', [g.op('Add', [variance, g.float(eps)])])]);
        return [g.op('Add', [g.op('Mul', [centered, scale]), bias!]), average, variance];
      },
    },
    lower: (g, { names: [x, weight, bias], inputs: [input], attrs: { eps } }) => {
      // The runtime's own training mode writes into its inputs; two passes, because E[x²] − E[x]² cancels.
      const { shape, rank } = input!;
      const inner = g.ints(shape.slice(2).map((_, i) => i + 2));
      const mean = (value: string): string => {
        const perImage = rank > 2 ? g.op('ReduceMean', [value, inner], { keepdims: 0 }) : value;
        return g.op('ReduceMean', [perImage, g.ints([0])], { keepdims: 0 });
      };
      const average = mean(x!);
      const channels = g.shape([1, shape[1]!, ...shape.slice(2).map(() => 1)]);
      const centered = g.op('Sub', [x!, g.op('Reshape', [average, channels])]);
      const variance = mean(g.op('Mul', [centered, centered]));
      const y = g.op('BatchNormalization', [x!, weight!, bias!, average, variance], { epsilon: { float: eps } });
      return [y, average, variance];
    },
  },
};
