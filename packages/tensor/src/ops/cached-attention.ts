import { formatShape, sameDim, sameShape } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Rules } from './rule.ts';

export interface CachedAttentionOps {
  /**
   * Causal attention of new tokens over a cache of keys and values, for generation. q [B, S, H·D]; k and v [B, S, G·D] of G heads,
   * each shared by H/G query heads; past keys and values [B, G, C, D], of which a row uses the first `lengths` − S + 1; lengths
   * int32 [B], the position of the row's last new token; total int32 [1], the most tokens of any row with the new ones. Where
   * cosines and sines [P, D/2] by position follow, q and k are turned by them (https://arxiv.org/abs/2104.09864). `packed`: one
   * tensor [B, S, (H + 2G)·D] stands for q, k and v, which then need not be split.
   * → y [B, S, H·D] and the caches with the new tokens written in. For several new tokens in one run B must be 1, or nothing cached.
   */
  cachedAttention: { heads: number; groups: number; scale: number; packed: boolean };
}

export const cachedAttentionRules: Rules<CachedAttentionOps> = {
  cachedAttention: {
    shape: (inputs, { heads, groups, packed }) => {
      const given = inputs.slice(0, packed ? 1 : 3);
      const [pastK, pastV, lengths] = inputs.slice(given.length);
      const shapes = [...given, pastK, pastV].map((t) => formatShape(t!.shape)).join(', ');
      const fail = (why: string): never => {
        throw new ShapeError('cachedAttention', `${shapes}: ${why}`);
      };
      if (given.some((t) => t.shape.length !== 3) || pastK!.shape.length !== 4)
        fail(`wants ${packed ? 'q, k and v in one' : 'q, k, v'} with 3 axes, caches with 4`);
      if (heads % groups !== 0) fail(`${heads} heads are not divisible by ${groups} groups`);
      const width = pastK!.shape[3] as number;
      const widths = packed ? [heads + 2 * groups] : [heads, groups, groups];
      if (given.some((t, i) => t.shape[2] !== widths[i]! * width)) fail(`the width of a head is ${width}`);
      if (!sameShape(pastK!.shape, pastV!.shape)) fail('keys and values differ');
      const [rows, length] = given[0]!.shape;
      if (given.some((t) => !sameShape(t.shape.slice(0, 2), [rows!, length!])))
        fail('q, k and v differ in rows or tokens');
      if (pastK!.shape[1] !== groups || !sameDim(pastK!.shape[0]!, rows!)) fail('the cache has other rows or heads');
      if (lengths!.dtype !== 'int32') fail(`lengths are ${lengths!.dtype}, expected int32`);
      return [{ dtype: given[0]!.dtype, shape: [rows!, length!, heads * width] }, pastK!, pastV!];
    },
    gradient: 'none',
    lower: (g, { names, attrs: { heads, groups, scale, packed } }) =>
      g.ops(
        3,
        'GroupQueryAttention',
        packed ? [names[0]!, '', '', ...names.slice(1)] : names,
        {
          num_heads: heads,
          kv_num_heads: groups,
          scale: { float: scale },
          do_rotary: names.length > (packed ? 5 : 7) ? 1 : 0,
        },
        'com.microsoft',
      ),
  },
};
