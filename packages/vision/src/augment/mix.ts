import type { Random } from '@rivulet/tensor';

/** Images [N, C, H, W] and the probabilities of their classes [N, classes]. */
export interface MixedBatch {
  readonly images: Float32Array;
  readonly targets: Float32Array;
}

export interface MixOptions {
  /** Of the Beta distribution that the share is drawn from. mixup: 0.2 is usual, CutMix: 1. */
  readonly alpha: number;
  /** [C, H, W]. */
  readonly shape: readonly [number, number, number];
}

/** Every class number as a row of 0s with a 1, [N, classes]. */
export function oneHot(labels: ArrayLike<number>, classes: number): Float32Array {
  const out = new Float32Array(labels.length * classes);
  for (let i = 0; i < labels.length; i++) out[i * classes + labels[i]!] = 1;
  return out;
}

/**
 * mixup (https://arxiv.org/abs/1710.09412): each image and the one before it in the batch, laid over each other, their classes in the same
 * shares. As torchvision's `MixUp`: one share for the batch.
 */
export function mixup({ images, targets }: MixedBatch, { alpha, shape }: MixOptions, random: Random): MixedBatch {
  const share = beta(alpha, random);
  const size = shape[0] * shape[1] * shape[2];
  const count = images.length / size;
  return { images: blendedRows(images, count, share), targets: blendedRows(targets, count, share) };
}

/**
 * CutMix (https://arxiv.org/abs/1905.04899): a rectangle of each image is taken from the one before it in the batch, and that share of its
 * class. As torchvision's `CutMix`.
 */
export function cutmix({ images, targets }: MixedBatch, { alpha, shape }: MixOptions, random: Random): MixedBatch {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  const count = images.length / size;
  const share = beta(alpha, random);
  const [x, y] = [Math.floor(random.nextFloat() * width), Math.floor(random.nextFloat() * height)];
  const half = 0.5 * Math.sqrt(1 - share);
  const [w, h] = [Math.trunc(half * width), Math.trunc(half * height)];
  const [left, right] = [Math.max(0, x - w), Math.min(width, x + w)];
  const [top, bottom] = [Math.max(0, y - h), Math.min(height, y + h)];
  const out = images.slice();
  for (let i = 0; i < count; i++) {
    const other = ((i + count - 1) % count) * size;
    for (let c = 0; c < channels; c++)
      for (let row = top; row < bottom; row++) {
        const at = (c * height + row) * width;
        out.set(images.subarray(other + at + left, other + at + right), i * size + at + left);
      }
  }
  const kept = 1 - ((right - left) * (bottom - top)) / (width * height);
  return { images: out, targets: blendedRows(targets, count, kept) };
}

/** share · row + (1 − share) · the row before it. */
function blendedRows(rows: Float32Array, count: number, share: number): Float32Array {
  const size = rows.length / count;
  return rows.map((value, at) => share * value + (1 - share) * rows[(at + rows.length - size) % rows.length]!);
}

/** A draw from Beta(alpha, alpha), by two of Gamma. */
export function beta(alpha: number, random: Random): number {
  if (!(alpha > 0)) throw new RangeError(`alpha must be above 0, got ${alpha}`);
  const [a, b] = [gamma(alpha, random), gamma(alpha, random)];
  return a + b === 0 ? (random.nextFloat() < 0.5 ? 0 : 1) : a / (a + b);
}

/** Marsaglia and Tsang's method (https://doi.org/10.1145/358407.358414). */
function gamma(alpha: number, random: Random): number {
  if (alpha < 1) return gamma(alpha + 1, random) * (1 - random.nextFloat()) ** (1 / alpha);
  const d = alpha - 1 / 3;
  while (true) {
    const normal = Math.sqrt(-2 * Math.log(1 - random.nextFloat())) * Math.cos(2 * Math.PI * random.nextFloat());
    const v = (1 + normal / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.nextFloat()) < 0.5 * normal ** 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
