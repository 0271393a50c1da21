import sharp from 'sharp';
import type { Image } from './decode.ts';
import { fitDigit } from './fit-digit.ts';

/** How a model wants its images: the `image` block of config.json. */
export interface ImageConfig {
  /** Height and width. */
  readonly size: readonly [number, number];
  readonly channels: 1 | 3;
  /** Per channel, of values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /**
   * 'center': the shorter side is resized, the middle is cut out. 'mnist': the ink is found, scaled and centred as MNIST's makers
   * did, and dark ink on a light ground is inverted.
   */
  readonly layout: 'center' | 'mnist';
  /** Of 'center': the share of the shorter side that is kept, in (0, 1]. Default 1. */
  readonly crop?: number;
}

/** An image as the model's input: float32 [C, H, W], normalized. */
export async function preprocess(image: Image, config: ImageConfig): Promise<Float32Array> {
  return normalizeImage(await fitImage(image, config), config);
}

/** An image of the model's size, 8 bits each, [H, W, C]: a quarter of the memory of its input. */
export async function fitImage(image: Image, { size, layout, crop }: ImageConfig): Promise<Uint8Array> {
  const [height, width] = size;
  return layout === 'mnist' ? await fitDigit(image, size) : await cover(image, width, height, crop);
}

/** A fitted image as the model's input: float32 [C, H, W], (x / 255 − mean) / std. */
export function normalizeImage(fitted: Uint8Array, { channels, mean, std }: ImageConfig): Float32Array {
  const area = fitted.length / channels;
  const out = new Float32Array(fitted.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++) out[c * area + i] = (fitted[i * channels + c]! / 255 - mean[c]!) / std[c]!;
  return out;
}

async function cover(
  { data, width, height, channels }: Image,
  toWidth: number,
  toHeight: number,
  crop = 1,
): Promise<Uint8Array> {
  const scale = crop * Math.min(width / toWidth, height / toHeight);
  const part = { width: Math.max(1, Math.round(scale * toWidth)), height: Math.max(1, Math.round(scale * toHeight)) };
  const source = sharp(data, { raw: { width, height, channels } });
  const cut =
    crop === 1
      ? source
      : source.extract({
          ...part,
          left: Math.floor((width - part.width) / 2),
          top: Math.floor((height - part.height) / 2),
        });
  const resized = cut.resize(toWidth, toHeight, { fit: 'cover', kernel: 'linear' });
  return resized
    .removeAlpha()
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
}

/** Checks what was read from a file. @throws TypeError naming the field. */
export function parseImageConfig(json: unknown): ImageConfig {
  const { size, channels, mean, std, layout, crop = 1 } = (json ?? {}) as Record<string, unknown>;
  const numbers = (value: unknown, count: number): boolean =>
    Array.isArray(value) && value.length === count && value.every((n) => typeof n === 'number' && Number.isFinite(n));
  const want = (ok: boolean, field: string, expected: string, value: unknown): void => {
    if (!ok) throw new TypeError(`image.${field} must be ${expected}, got ${JSON.stringify(value)}`);
  };
  want(numbers(size, 2), 'size', '[height, width]', size);
  want(channels === 1 || channels === 3, 'channels', '1 or 3', channels);
  want(numbers(mean, channels as number), 'mean', 'one number per channel', mean);
  want(numbers(std, channels as number), 'std', 'one number per channel', std);
  want(layout === 'center' || layout === 'mnist', 'layout', "'center' or 'mnist'", layout);
  want(typeof crop === 'number' && crop > 0 && crop <= 1, 'crop', 'a number in (0, 1]', crop);
  return json as ImageConfig;
}
