import { centerCrop, cropImage } from './crop.ts';
import type { Image } from './decode.ts';
import { fitDigit } from './fit-digit.ts';
import type { ImageConfig } from './image-config.ts';
import { resizeImage } from './resize.ts';

/** An image as the model's input: float32 [C, H, W], normalized. */
export function preprocess(image: Image, config: ImageConfig): Float32Array {
  return normalizeImage(fitImage(image, config), config);
}

/** An image of the model's size, 8 bits each, [H, W, C]: a quarter of the memory of its input. */
export function fitImage(image: Image, config: ImageConfig): Uint8Array {
  return config.layout === 'mnist' ? fitDigit(image, config.size) : fitted(image, config).data;
}

/** A fitted image as the model's input: float32 [C, H, W], (x / 255 − mean) / std. */
export function normalizeImage(fitted: Uint8Array, { channels, mean, std }: ImageConfig): Float32Array {
  const area = fitted.length / channels;
  const out = new Float32Array(fitted.length);
  for (let c = 0; c < channels; c++) {
    // There are 256 values: looked up, the division is done once for each.
    const values = Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean[c]!) / std[c]!);
    for (let i = 0, at = c, o = c * area; i < area; i++, at += channels) out[o++] = values[fitted[at]!]!;
  }
  return out;
}

function fitted(image: Image, { size: [height, width], layout, crop = 1, resize, interpolation }: ImageConfig): Image {
  const to = (w: number, h: number, from = image): Image =>
    resizeImage(from, { width: w, height: h, ...(interpolation && { interpolation }) });
  if (layout === 'squash') return centerCrop(to(resize ?? width, resize ?? height), width, height);
  if (layout === 'center') return to(width, height, middle(image, crop, width / height));
  const shorter = resize ?? Math.min(width, height);
  const wide = image.width >= image.height;
  const longer = Math.max(
    1,
    Math.trunc((shorter * Math.max(image.width, image.height)) / Math.min(image.width, image.height)),
  );
  return centerCrop(wide ? to(longer, shorter) : to(shorter, longer), width, height);
}

/** The largest middle part of this aspect ratio, and of it a share. */
function middle(image: Image, share: number, aspect: number): Image {
  const scale = share * Math.min(image.width / aspect, image.height);
  const width = Math.max(1, Math.round(scale * aspect));
  const height = Math.max(1, Math.round(scale));
  if (width === image.width && height === image.height) return image;
  const [left, top] = [Math.floor((image.width - width) / 2), Math.floor((image.height - height) / 2)];
  return cropImage(image, { left, top, width, height });
}
