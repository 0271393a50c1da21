import { applyAll } from '../apply.ts';
import { broadcastShapes, type Dim, formatShape, sameDim, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { sumTo } from './broadcast.ts';
import { concat, full, iota } from './layout.ts';
import type { Rules } from './rule.ts';

export interface AttentionOps {
  /**
   * q [B, H, L, D], k [B, H, S, D], v [B, H, S, Dv] and, if given, a bias that broadcasts to [B, H, L, S] and a dropout mask
   * for the weights → [B, H, L, Dv]: softmax(scale · q·kᵀ + bias)·v. `causal`: query i sees keys up to i + S − L.
   */
  attention: { scale: number; bias: boolean; dropout: boolean; causal: boolean };
  /** The same of queries that are scaled already → [B, H, L, Dv] and the weights [B, H, L, S], before dropout. */
  attend: { bias: boolean; dropout: boolean };
}

/** Large enough to vanish in a softmax, small enough that sums of two stay finite. */
const HIDDEN = -1e30;

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
    expand: ([q, k, v, ...rest], { scale, bias, dropout, causal }) => {
      const queries = q!.mul(scale);
      const mask = dropout ? rest.at(-1)! : null;
      if (causal && !bias && !mask && inBlocks(q!, k!)) return [causalBlocks(queries, k!, v!)];
      const biases = [...(bias ? [rest[0]!] : []), ...(causal ? [causalBias(q!.dim(2), k!.dim(2))] : [])];
      return [attend(queries, k!, v!, { bias: biases.length > 0 ? biases.reduce((a, b) => a.add(b)) : null, mask })];
    },
  },
  attend: {
    shape: ([q, k, v]) => [
      { dtype: 'float32', shape: [...q!.shape.slice(0, 3), v!.shape[3]!] },
      { dtype: 'float32', shape: [...q!.shape.slice(0, 3), k!.shape[2]!] },
    ],
    gradient: ({ inputs: [q, k, v, ...rest], outputs: [y, weights], attrs: { bias, dropout }, grads: [g, direct] }) => {
      const mask = dropout ? rest.at(-1)! : null;
      const dropped = mask ? weights!.mul(mask) : weights!;
      let dWeights = direct ?? null;
      if (g) {
        const through = g.matmul(v!, { transposeB: true });
        const share = mask ? through.mul(mask) : through;
        dWeights = dWeights ? dWeights.add(share) : share;
      }
      // The sum of weight · gradient over a row's keys is that of output · gradient: D numbers in place of S.
      const sums = direct || !g ? dWeights!.mul(weights!) : g.mul(y!);
      const dScores = weights!.mul(dWeights!.sub(sums.sum(-1, { keepDims: true })));
      return [
        dScores.matmul(k!),
        transposedProduct(dScores, q!),
        g ? transposedProduct(dropped, g) : null,
        ...(bias ? [sumTo(dScores, rest[0]!.shape)] : []),
        ...(mask ? [null] : []),
      ];
    },
    lower: (g, { names: [q, k, v, ...rest], attrs: { bias, dropout } }) => {
      const product = g.op('FusedMatMul', [q!, k!], { transB: 1 }, 'com.microsoft');
      const scores = bias ? g.op('Add', [product, rest[0]!]) : product;
      const weights = g.op('Softmax', [scores], { axis: -1 });
      const dropped = dropout ? g.op('Mul', [weights, rest.at(-1)!]) : weights;
      return [g.op('MatMul', [dropped, v!]), weights];
    },
  },
};

interface Parts {
  bias: Tensor | null;
  mask?: Tensor | null;
}

function attend(q: Tensor, k: Tensor, v: Tensor, { bias, mask = null }: Parts): Tensor {
  const inputs = [q, k, v, ...(bias ? [bias] : []), ...(mask ? [mask] : [])];
  return applyAll('attend', inputs, { bias: bias !== null, dropout: mask !== null })[0]!;
}

/** aᵀ·b of [.., L, S] and [.., L, D], as (bᵀ·a)ᵀ: the kernel is slow where the larger factor is the transposed one. */
function transposedProduct(a: Tensor, b: Tensor): Tensor {
  return b.matmul(a, { transposeA: true }).transpose(-1, -2);
}

/** [L, S]: 0 where query i sees key j, j ≤ i + S − L. */
function causalBias(queries: Dim, keys: Dim): Tensor {
  const last = (length: Dim): Tensor => iota(length).max();
  const offset = sameDim(queries, keys) ? null : last(keys).sub(last(queries));
  const rows = iota(queries).unsqueeze(1).add(1);
  const allowed = iota(keys)
    .unsqueeze(0)
    .less(offset ? rows.add(offset) : rows);
  return allowed.where(full([], 0), HIDDEN);
}

/** Queries of a block. */
const BLOCK = 128;

const inBlocks = (q: Tensor, k: Tensor): boolean => {
  const length = q.dim(2);
  return typeof length === 'number' && sameDim(length, k.dim(2)) && length >= 2 * BLOCK && length % BLOCK === 0;
};

/** Queries block by block, each with the keys that some of them see: of L / BLOCK = 2 blocks three quarters of the work, of many half. */
function causalBlocks(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const count = q.size(2) / BLOCK;
  const parts = q.chunk(count, 2).map((block, i) => {
    const seen = (i + 1) * BLOCK;
    const [keys, values] = [k, v].map((t) => (i + 1 === count ? t : t.slice(2, 0, seen)));
    return attend(block, keys!, values!, { bias: causalBias(BLOCK, seen) });
  });
  return concat(parts, 2);
}
