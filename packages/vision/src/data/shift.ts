import type { Random } from '@rivulet/tensor';

/**
 * Images [count, height, width] as floats, each moved by up to `pixels` in both directions; what comes in is `fill`.
 * The augmentation that handwriting bears best.
 */
export function shiftedBatch(
  images: readonly Float32Array[],
  {
    height,
    width,
    pixels,
    fill,
    random,
  }: { height: number; width: number; pixels: number; fill: number; random: Random },
): Float32Array {
  const batch = new Float32Array(images.length * height * width).fill(fill);
  const offset = (): number => (random.nextUint32() % (2 * pixels + 1)) - pixels;
  images.forEach((image, i) => {
    const [down, right] = [offset(), offset()];
    for (let y = Math.max(0, down); y < Math.min(height, height + down); y++) {
      const from = (y - down) * width + Math.max(0, -right);
      const length = width - Math.abs(right);
      batch.set(image.subarray(from, from + length), i * height * width + y * width + Math.max(0, right));
    }
  });
  return batch;
}
