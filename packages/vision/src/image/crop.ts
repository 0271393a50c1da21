import type { Image } from './decode.ts';
import type { Box } from './resize.ts';

/**
 * A part of an image, in whole pixels. What lies beyond the image is black, as torchvision's `crop` pads it.
 */
export function cropImage({ data, width, height, channels }: Image, box: Box): Image {
  const out = new Uint8Array(box.width * box.height * channels);
  const [from, to] = [Math.max(0, box.left), Math.min(width, box.left + box.width)];
  for (let y = Math.max(0, box.top); from < to && y < Math.min(height, box.top + box.height); y++)
    out.set(
      data.subarray((y * width + from) * channels, (y * width + to) * channels),
      ((y - box.top) * box.width + from - box.left) * channels,
    );
  return { width: box.width, height: box.height, channels, data: out };
}

/** The middle of an image, as torchvision's `center_crop` places it. */
export function centerCrop(image: Image, width: number, height: number): Image {
  if (width === image.width && height === image.height) return image;
  const left = halfEven((image.width - width) / 2);
  return cropImage(image, { left, top: halfEven((image.height - height) / 2), width, height });
}

/** The nearest whole number, of two the even one: Python's `round`. */
const halfEven = (value: number): number => {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down & 1) : Math.round(value);
};
