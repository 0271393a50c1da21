import type { Image } from './decode.ts';
import { acrossRows, downColumns } from './resample.ts';
import { FILTERS, tapsOf } from './resample-filters.ts';

/** How pixels between pixels are found; all but 'nearest' are antialiased where the image shrinks. */
export type Interpolation = 'nearest' | keyof typeof FILTERS;

export const INTERPOLATIONS: readonly Interpolation[] = ['nearest', ...(Object.keys(FILTERS) as Interpolation[])];

/** A part of an image, in pixels from the top left; fractions are allowed. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface ResizeOptions {
  readonly width: number;
  readonly height: number;
  /** Default 'bilinear'. */
  readonly interpolation?: Interpolation;
  /** The part that is resized. Default: all of it. */
  readonly box?: Box;
}

/**
 * An image of another size: the bytes that Pillow's `Image.resize(size, resample, box)` gives. One axis
 * after the other, 8 bits in between.
 * @throws RangeError for a size that is no whole number from 1, or a box that reaches out of the image.
 */
export function resizeImage(image: Image, { width, height, interpolation = 'bilinear', box }: ResizeOptions): Image {
  for (const [side, size] of Object.entries({ width, height }))
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`resizeImage: ${side} must be a whole number from 1, got ${size}`);
  const part = box ?? { left: 0, top: 0, width: image.width, height: image.height };
  const { left, top } = part;
  const [right, bottom] = [left + part.width, top + part.height];
  if (!(left >= 0 && top >= 0 && left < right && top < bottom && right <= image.width && bottom <= image.height))
    throw new RangeError(
      `resizeImage: the box ${left}, ${top}, ${right}, ${bottom} is not within ${image.width} × ${image.height} pixels`,
    );
  if (interpolation === 'nearest') return nearest(image, width, height, part);
  const filter = Object.hasOwn(FILTERS, interpolation) ? FILTERS[interpolation] : null;
  if (!filter)
    throw new RangeError(
      `resizeImage: there is no interpolation '${interpolation}'; there are: ${INTERPOLATIONS.join(', ')}`,
    );
  const across = tapsOf(filter, { sourceSize: image.width, size: width, from: left, to: right, unit: image.channels });
  const down = tapsOf(filter, { sourceSize: image.height, size: height, from: top, to: bottom, unit: 1 });
  const wider = width !== image.width || left !== 0 || right !== width;
  const higher = height !== image.height || top !== 0 || bottom !== height;
  if (!wider) return higher ? downColumns(image, down, 0) : image;
  if (!higher) return acrossRows(image, across, 0, height);
  const lost = image.height - height;
  if (lost > 0 && lost > 2 * (image.width - width))
    // as Pillow since version 12: fewer pixels for the second pass
    return acrossRows(downColumns(image, down, 0), across, 0, height);
  // Only the rows that the second pass reads are made by the first.
  const [from, to] = [down.first[0]!, down.first[height - 1]! + down.counts[height - 1]!];
  return downColumns(acrossRows(image, across, from, to), down, from);
}

/** The pixel that lies under each place's middle. */
function nearest({ data, width, channels }: Image, toWidth: number, toHeight: number, box: Box): Image {
  const columns = middles(toWidth, box.left, box.width);
  const rows = middles(toHeight, box.top, box.height);
  const out = new Uint8Array(toWidth * toHeight * channels);
  let o = 0;
  for (const row of rows)
    for (const column of columns) {
      const at = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[at + c]!;
    }
  return { width: toWidth, height: toHeight, channels, data: out };
}

function middles(size: number, from: number, length: number): Int32Array {
  const step = length / size;
  let at = from + step * 0.5; // summed up, as Pillow does, for the same rounding
  const places = new Int32Array(size);
  for (let i = 0; i < size; i++, at += step) places[i] = Math.min(Math.trunc(at), Math.ceil(from + length) - 1);
  return places;
}
