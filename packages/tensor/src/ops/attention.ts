import { broadcastShapes, formatShape, sameDim, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Rules } from './rule.ts';

export interface AttentionOps {
  /**
   * q [B, H, L, D], k [B, H, S, D], v [B, H, S, Dv] and, if given, a bias that broadcasts to [B, H, L, S] and a dropout mask
   * for the weights → [B, H, L, Dv]: softmax(scale · q·kᵀ + bias)·v.
   */
  attention: { scale: number; bias: boolean; dropout: boolean };
}

export const attentionRules: Rules<AttentionOps> = {
  attention: {
    shape: ([q, k, v, ...rest], { bias }) => {
      const form = `q ${formatShape(q!.shape)}, k ${formatShape(k!.shape)}, v ${formatShape(v!.shape)}`;
      const fail = (why: string): never => {
        throw new ShapeError('attention', `${form}: ${why}`);
      };
      if ([q, k, v].some((t) => t!.shape.length !== 4)) fail('wants four axes [B, H, L, D]');
      if (!sameDim(q!.shape[3]!, k!.shape[3]!)) fail('q and k differ in width');
      if (!sameShape(k!.shape.slice(0, 3), v!.shape.slice(0, 3))) fail('k and v differ in batch, heads or length');
      if (!sameShape(q!.shape.slice(0, 2), k!.shape.slice(0, 2))) fail('q and k differ in batch or heads');
      const scores = [...q!.shape.slice(0, 3), k!.shape[2]!];
      const fits = !bias || broadcastShapes(rest[0]!.shape, scores);
      if (!fits || (bias && !sameShape(fits as never, scores)))
        fail(`the bias ${formatShape(rest[0]!.shape)} does not broadcast to ${formatShape(scores)}`);
      return [{ dtype: 'float32', shape: [...q!.shape.slice(0, 3), v!.shape[3]!] }];
    },
    expand: ([q, k, v, ...rest], { scale, bias, dropout }) => {
      let scores = q!.mul(scale).matmul(k!, { transposeB: true });
      if (bias) scores = scores.add(rest[0]!);
      let weights = scores.softmax(-1);
      if (dropout) weights = weights.mul(rest.at(-1)!);
      return [weights.matmul(v!)];
    },
  },
};
