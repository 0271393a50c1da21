import { type Layer, Module, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';

/** Layers one after the other, under names of their own: PyTorch's Sequential of an OrderedDict. */
export class Named extends Module {
  constructor(layers: Readonly<Record<string, Layer>>) {
    super();
    Object.assign(this, layers);
  }

  forward(x: Tensor): Tensor {
    return sequential(x, Object.values(this) as Layer[]);
  }
}

/** A list of layers as one layer: [conv, norm, relu] keeps the names 0, 1, 2. */
export const run =
  (layers: readonly Layer[]): Layer =>
  (x) =>
    sequential(x, layers);
