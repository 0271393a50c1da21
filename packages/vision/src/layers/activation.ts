import type { Tensor } from '@rivulet/tensor';

const ACTIVATIONS = {
  relu: (x: Tensor): Tensor => x.relu(),
  sigmoid: (x: Tensor): Tensor => x.sigmoid(),
  tanh: (x: Tensor): Tensor => x.tanh(),
  gelu: (x: Tensor): Tensor => x.gelu(),
  silu: (x: Tensor): Tensor => x.silu(),
};

/** Activation functions that a configuration can name. */
export type Activation = keyof typeof ACTIVATIONS;

/** @throws RangeError naming the functions that there are. */
export function activationOf(name: Activation): (x: Tensor) => Tensor {
  if (!Object.hasOwn(ACTIVATIONS, name))
    throw new RangeError(`there is no activation '${name}'; there are: ${Object.keys(ACTIVATIONS).join(', ')}`);
  return ACTIVATIONS[name];
}
