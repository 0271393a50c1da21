import { sizeOf } from '../dim.ts';
import type { Tensor } from '../tensor.ts';
import { scan } from './scan.ts';

/** Elements per block: a dozen arrays of this length fit into the caches. */
const BLOCK = 2 ** 16;

/**
 * A chain of element-by-element operations on tensors of one shape, block by block. The runtime makes one pass over memory
 * for every operation; of a block, the intermediate values stay in the caches. The slope of GELU on [2048, 1024] takes 14 ms
 * instead of 32 (2 threads), and no intermediate tensor of that size is held. Sizes that are small, symbolic or do not
 * divide are computed as a whole.
 */
export function blocked(inputs: readonly Tensor[], f: (...parts: Tensor[]) => Tensor): Tensor {
  const { shape } = inputs[0]!;
  const count = blocksOf(sizeOf(shape));
  if (count === 1) return f(...inputs);
  const { outputs } = scan((_, parts) => ({ carry: [], outputs: [f(...parts)] }), {
    initial: [],
    sequences: inputs.map((x) => x.reshape([count, -1])),
  });
  return outputs[0]!.reshape(shape);
}

/** A number of equal blocks, each of BLOCK/2 to BLOCK elements where that is possible; else 1. */
function blocksOf(size: unknown): number {
  if (typeof size !== 'number' || size < 4 * BLOCK) return 1;
  const least = Math.ceil(size / BLOCK);
  for (let count = least; count <= 2 * least; count++) if (size % count === 0) return count;
  return 1;
}
