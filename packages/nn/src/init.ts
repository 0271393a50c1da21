import { type Random, seeded, type Tensor } from '@rivulet/tensor';
import { storageOf } from './module.ts';

let random: Random = seeded(0);

/** Seeds the initial values of the layers that are made from here on. */
export function manualSeed(seed: number): void {
  random = seeded(seed);
}

let drawing = true;

/** Builds a module without drawing its weights, which stay zero: for those that a checkpoint fills, and for large ones to look at. */
export function skipInit<T>(build: () => T): T {
  const before = drawing;
  drawing = false;
  try {
    return build();
  } finally {
    drawing = before;
  }
}

/** Uniform in [−bound, bound). */
export function uniform(tensor: Tensor, bound: number): Tensor {
  if (!drawing) return tensor;
  const { data } = storageOf(tensor);
  for (let i = 0; i < data.length; i++) data[i] = (2 * random.nextFloat() - 1) * bound;
  return tensor;
}

/** Normal around 0 (Box-Muller). */
export function normal(tensor: Tensor, deviation: number): Tensor {
  if (!drawing) return tensor;
  const { data } = storageOf(tensor);
  for (let i = 0; i < data.length; i++) data[i] = gaussian() * deviation;
  return tensor;
}

/** Normal around 0, drawn again outside ±2 (as timm initializes ViT). */
export function truncatedNormal(tensor: Tensor, deviation: number): Tensor {
  if (!drawing) return tensor;
  const { data } = storageOf(tensor);
  for (let i = 0; i < data.length; i++) {
    let value = gaussian() * deviation;
    while (Math.abs(value) > 2) value = gaussian() * deviation;
    data[i] = value;
  }
  return tensor;
}

export function ones(tensor: Tensor): Tensor {
  storageOf(tensor).data.fill(1 as never);
  return tensor;
}

/** Uniform in ±√(6 / (rows + columns)) (Glorot and Bengio, https://proceedings.mlr.press/v9/glorot10a.html). */
export function xavierUniform(tensor: Tensor): Tensor {
  return uniform(tensor, Math.sqrt(6 / (tensor.size(0) + tensor.size(1))));
}

function gaussian(): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.nextFloat()));
  return radius * Math.cos(2 * Math.PI * random.nextFloat());
}
