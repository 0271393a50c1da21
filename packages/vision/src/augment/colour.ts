import type { Image } from '../image/decode.ts';

// As torchvision's functions of the same names on tensors of bytes: float32 in between, fractions cut off.

const { fround } = Math;
const byte = (value: number): number => (value < 0 ? 0 : value > 255 ? 255 : Math.trunc(value));

/** Every value by itself. */
function mapped(image: Image, of: (value: number) => number): Image {
  const table = Uint8Array.from({ length: 256 }, (_, value) => of(value));
  return { ...image, data: image.data.map((value) => table[value]!) };
}

/** The grey of each pixel, [H, W], whole numbers. */
function greys({ data, channels }: Image): Uint8Array {
  if (channels === 1) return data;
  const out = new Uint8Array(data.length / 3);
  for (let i = 0, at = 0; i < out.length; i++, at += 3)
    out[i] = fround(
      fround(fround(data[at]! * fround(0.2989)) + data[at + 1]! * fround(0.587)) + data[at + 2]! * fround(0.114),
    );
  return out;
}

/** The same colours in grey. */
export function grayscale(image: Image): Image {
  const grey = greys(image);
  return image.channels === 1 ? image : { ...image, data: image.data.map((_, i) => grey[Math.trunc(i / 3)]!) };
}

/** factor · a + (1 − factor) · b, in bytes. */
const blended = (a: number, b: number, factor: number): number =>
  byte(fround(fround(a * fround(factor)) + fround(b * fround(1 - factor))));

/** 0 is black, 1 the image, 2 twice as bright. */
export function adjustBrightness(image: Image, factor: number): Image {
  return mapped(image, (value) => byte(fround(value * fround(factor))));
}

/** 0 is even grey, 1 the image. */
export function adjustContrast(image: Image, factor: number): Image {
  const grey = greys(image);
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  return mapped(image, (value) => blended(value, mean, factor));
}

/** 0 is grey, 1 the image. */
export function adjustSaturation(image: Image, factor: number): Image {
  if (image.channels === 1) return image;
  const grey = greys(image);
  return { ...image, data: image.data.map((value, i) => blended(value, grey[Math.trunc(i / 3)]!, factor)) };
}

/** Turns the circle of colours by a share of it, from −0.5 to 0.5. */
export function adjustHue(image: Image, share: number): Image {
  if (!(Math.abs(share) <= 0.5)) throw new RangeError(`adjustHue: the share must be in [-0.5, 0.5], got ${share}`);
  if (image.channels === 1) return image;
  const out = new Uint8Array(image.data.length);
  for (let at = 0; at < out.length; at += 3) {
    const [r, g, b] = [image.data[at]! / 255, image.data[at + 1]! / 255, image.data[at + 2]! / 255];
    const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
    const range = most - least;
    let hue = 0;
    if (range > 0) hue = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range : 4 + (r - g) / range;
    hue = (((hue / 6 + 1) % 1) + share + 1) % 1;
    const saturation = most === 0 ? 0 : range / most;
    const sector = Math.floor(hue * 6);
    const part = hue * 6 - sector;
    const p = most * (1 - saturation);
    const q = most * (1 - saturation * part);
    const t = most * (1 - saturation * (1 - part));
    const colour = [[most, t, p], [q, most, p], [p, most, t], [p, q, most], [t, p, most], [most, p, q]][sector % 6]!; // biome-ignore format: a table
    for (let c = 0; c < 3; c++) out[at + c] = byte(Math.min(1, Math.max(0, colour[c]!)) * (256 - 1e-3));
  }
  return { ...image, data: out };
}

/** 0 is blurred, 1 the image, 2 sharper; the edge stays as it is. */
export function adjustSharpness(image: Image, factor: number): Image {
  const { data, width, height, channels } = image;
  const out = data.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++)
    for (let x = channels; x < row - channels; x++) {
      const at = y * row + x;
      let sum = 4 * data[at]!;
      for (let down = -row; down <= row; down += row)
        for (let right = -channels; right <= channels; right += channels) sum += data[at + down + right]!;
      out[at] = blended(data[at]!, Math.round(sum / 13), factor);
    }
  return { ...image, data: out };
}

/** Keeps the highest bits of every value, 0 to 8 of them. */
export function posterize(image: Image, bits: number): Image {
  return mapped(image, (value) => value & (256 - 2 ** (8 - bits)));
}

/** Inverts the values from the threshold on. */
export function solarize(image: Image, threshold: number): Image {
  return mapped(image, (value) => (value >= threshold ? 255 - value : value));
}

export function invert(image: Image): Image {
  return mapped(image, (value) => 255 - value);
}

/** Each channel by a table of its own, made of how often each value occurs. */
function byHistogram(image: Image, tableOf: (counts: Uint32Array) => ArrayLike<number> | null): Image {
  const { data, channels } = image;
  const out = data.slice();
  for (let c = 0; c < channels; c++) {
    const counts = new Uint32Array(256);
    for (let i = c; i < data.length; i += channels) counts[data[i]!]!++;
    const table = tableOf(counts);
    if (table) for (let i = c; i < data.length; i += channels) out[i] = table[data[i]!]!;
  }
  return { ...image, data: out };
}

/** Stretches each channel, so that its darkest value is 0 and its lightest 255. */
export function autocontrast(image: Image): Image {
  return byHistogram(image, (counts) => {
    const [least, most] = [counts.findIndex((n) => n > 0), counts.findLastIndex((n) => n > 0)];
    if (least === most) return null;
    const step = fround((most - least) * fround(1 / 255));
    return Uint8Array.from(counts, (_, value) => byte(fround((value - least) / step)));
  });
}

/** Spreads each channel, so that all its values are about as frequent. */
export function equalize(image: Image): Image {
  return byHistogram(image, (counts) => {
    const last = counts.findLastIndex((n) => n > 0);
    const step = Math.floor((counts.reduce((a, b) => a + b, 0) - counts[last]!) / 255);
    if (step === 0) return null;
    let before = 0;
    return Uint8Array.from(counts, (count) => {
      const value = Math.min(255, Math.floor((before + Math.floor(step / 2)) / step));
      before += count;
      return value;
    });
  });
}
