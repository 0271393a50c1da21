import { formatShape, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import { sumTo } from './broadcast.ts';
import type { Rules } from './rule.ts';

export interface NormalizationOps {
  /** x [..., E], weight [E], bias [E] → y, mean [..., 1], 1/deviation [..., 1] (https://arxiv.org/abs/1607.06450). */
  layerNorm: { eps: number };
  /** x [..., E], weight [E] → x/√(mean x² + eps)·weight (https://arxiv.org/abs/1910.07467). */
  rmsNorm: { eps: number };
}

export const normalization: Rules<NormalizationOps> = {
  layerNorm: {
    shape: ([x, weight, bias]) => {
      const width = x!.shape.slice(-1);
      if (!sameShape(weight!.shape, width) || !sameShape(bias!.shape, width))
        throw new ShapeError(
          'layerNorm',
          `weight ${formatShape(weight!.shape)} and bias ${formatShape(bias!.shape)} do not fit the last axis of ${formatShape(x!.shape)}`,
        );
      const statistics = { dtype: 'float32', shape: [...x!.shape.slice(0, -1), 1] } as const;
      return [x!, statistics, statistics];
    },
    gradient: ({ inputs: [x, weight], outputs: [, mean, inverse], grads: [g], wanted }) => {
      const normal = x!.sub(mean!).mul(inverse!);
      const dNormal = g!.mul(weight!);
      const rows = (t: typeof normal): typeof normal => t.mean(-1, { keepDims: true });
      return [
        wanted[0]
          ? dNormal
              .sub(rows(dNormal))
              .sub(normal.mul(rows(dNormal.mul(normal))))
              .mul(inverse!)
          : null,
        wanted[1] ? sumTo(g!.mul(normal), weight!.shape) : null,
        wanted[2] ? sumTo(g!, weight!.shape) : null,
      ];
    },
    lower: (g, { names, attrs }) => g.ops(3, 'LayerNormalization', names, { axis: -1, epsilon: { float: attrs.eps } }),
  },
  rmsNorm: {
    shape: ([x, weight]) => {
      if (!sameShape(weight!.shape, x!.shape.slice(-1)))
        throw new ShapeError(
          'rmsNorm',
          `weight ${formatShape(weight!.shape)} does not fit the last axis of ${formatShape(x!.shape)}`,
        );
      return [x!];
    },
    expand: ([x, weight], { eps }) => {
      const scale = x!.mul(x!).mean(-1, { keepDims: true }).add(eps).sqrt().reciprocal();
      return [x!.mul(scale).mul(weight!)];
    },
    lower: (g, { names, attrs }) => [
      g.op('SimplifiedLayerNormalization', names, { axis: -1, epsilon: { float: attrs.eps } }),
    ],
  },
};
