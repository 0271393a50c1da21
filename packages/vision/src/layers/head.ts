import { adaptiveAvgPool, Linear, normal, storageOf } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';

/** [N, C, H, W] → [N, C] */
export const globalPool = (x: Tensor): Tensor => adaptiveAvgPool(x, 1).flatten(1);

/** A linear layer with weights normal around 0 and no bias at first. */
export function normalLinear(inputs: number, outputs: number, deviation = 0.01): Linear {
  const layer = new Linear(inputs, outputs);
  normal(layer.weight, deviation);
  storageOf(layer.bias!).data.fill(0 as never);
  return layer;
}
