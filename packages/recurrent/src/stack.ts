import { dropout } from '@rivulet/nn';
import { concat, full, type Tensor } from '@rivulet/tensor';
import { type DirectionWeights, layerWeights, type RecurrentConfig, type WeightName } from './weights.ts';

/** One layer in one direction: x [T, B, I] and its first states, each [B, H] → outputs [T, B, H] and the final states. */
export type RunDirection = (
  x: Tensor,
  states: readonly Tensor[],
  weights: DirectionWeights,
  reverse: boolean,
) => { readonly outputs: Tensor; readonly final: readonly Tensor[] };

/**
 * Runs layers over each other, each in one or two directions.
 * @param initial the first states, each [numLayers·D, B, H] with the directions of a layer side by side; null: zeros.
 * @returns the last layer's outputs [T, B, D·H] and the final states, each [numLayers·D, B, H].
 */
export function runStack(
  module: { readonly [name: WeightName]: Tensor },
  { hiddenSize, numLayers = 1, bidirectional = false, dropout: p = 0 }: RecurrentConfig,
  x: Tensor,
  initial: readonly (Tensor | null)[],
  run: RunDirection,
): { outputs: Tensor; final: Tensor[] } {
  const directions = bidirectional ? 2 : 1;
  const starts = initial.map((state) => state?.chunk(numLayers * directions, 0).map((part) => part.squeeze(0)));
  const zeros = full([x.dim(1), hiddenSize], 0);
  const final = initial.map((): Tensor[] => []);
  let input = x;
  for (let layer = 0; layer < numLayers; layer++) {
    if (layer > 0) input = dropout(input, p);
    const runs = layerWeights(module, layer, bidirectional).map((weights, direction) => {
      const states = starts.map((parts) => parts?.[layer * directions + direction] ?? zeros);
      const result = run(input, states, weights, direction === 1);
      result.final.forEach((state, i) => {
        final[i]!.push(state.unsqueeze(0));
      });
      return result.outputs;
    });
    input = concat(runs, 2);
  }
  return { outputs: input, final: final.map((parts) => concat(parts, 0)) };
}
