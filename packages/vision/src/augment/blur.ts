import type { Image } from '../image/decode.ts';

/**
 * Gaussian blur of a square of `size` pixels (odd); edges are mirrored. As torchvision's `gaussian_blur` of tensors.
 * @throws RangeError where the size is even or the image is too small to be mirrored.
 */
export function gaussianBlur(image: Image, size: number, sigma: number): Image {
  const reach = (size - 1) / 2;
  if (!Number.isInteger(reach) || reach < 0) throw new RangeError(`gaussianBlur: the size must be odd, got ${size}`);
  if (!(sigma > 0)) throw new RangeError(`gaussianBlur: sigma must be above 0, got ${sigma}`);
  if (reach >= Math.min(image.width, image.height))
    throw new RangeError(`gaussianBlur: ${image.width} × ${image.height} pixels are too few for a size of ${size}`);
  const weights = Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const total = weights.reduce((a, b) => a + b, 0);
  const kernel = Float32Array.from(weights, (weight) => weight / total);
  const { width, height, channels } = image;
  const row = width * channels;
  const across = alongAxis(Float32Array.from(image.data), kernel, width, channels, height, row, channels);
  const both = alongAxis(across, kernel, height, row, 1, 0, row);
  return { ...image, data: Uint8Array.from(both, (value) => Math.round(value)) };
}

/** Weighted sums along one axis of `length` places, `step` apart; the `lanes` beside each other repeat `blocks` times. */
function alongAxis(
  data: Float32Array,
  kernel: Float32Array,
  length: number,
  step: number,
  blocks: number,
  blockStep: number,
  lanes: number,
): Float32Array {
  const out = new Float32Array(data.length);
  const reach = (kernel.length - 1) / 2;
  for (let block = 0; block < blocks; block++)
    for (let place = 0; place < length; place++)
      for (let k = 0; k < kernel.length; k++) {
        const from = Math.abs(place + k - reach);
        const source = from < length ? from : 2 * (length - 1) - from;
        const [to, at] = [block * blockStep + place * step, block * blockStep + source * step];
        for (let lane = 0; lane < lanes; lane++) out[to + lane]! += kernel[k]! * data[at + lane]!;
      }
  return out;
}
