import { adaptiveAvgPool, Linear, normal, storageOf, truncatedNormal } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';

/** [N, C, H, W] → [N, C] */
export const globalPool = (x: Tensor): Tensor => adaptiveAvgPool(x, 1).flatten(1);

/** Sets a layer's bias, where it has one, to 0. */
export function withoutBias<L extends { readonly bias: Tensor | null }>(layer: L): L {
  if (layer.bias) storageOf(layer.bias).data.fill(0 as never);
  return layer;
}

/** A linear layer with weights normal around 0 and no bias at first. */
export function normalLinear(inputs: number, outputs: number, deviation = 0.01): Linear {
  const layer = withoutBias(new Linear(inputs, outputs));
  normal(layer.weight, deviation);
  return layer;
}

/** As `normalLinear`, as Transformers start: deviation 0.02, nothing beyond ±2. */
export function truncatedLinear(inputs: number, outputs: number, options: { readonly bias?: boolean } = {}): Linear {
  const layer = withoutBias(new Linear(inputs, outputs, options));
  truncatedNormal(layer.weight, 0.02);
  return layer;
}
