import type { Image } from './decode.ts';
import { type Box, resizeImage } from './resize.ts';

/** Ink fainter than this share of the strongest is paper. */
const INK = 0.2;

/**
 * Brings a written digit of any size, place and polarity into MNIST's form (https://yann.lecun.org/exdb/mnist): light ink on black,
 * its box scaled to 20 of 28 pixels, its centre of mass in the middle. An image that has the size already and a dark border is
 * left as it is.
 */
export function fitDigit(image: Image, [height, width]: readonly [number, number]): Uint8Array {
  const border = borderOf(image);
  const light = border.reduce((sum, value) => sum + value, 0) / border.length > 127;
  if (!light && image.width === width && image.height === height) return image.data;
  const ink = liftInk(image.data, border.sort()[border.length >> 1]!, light);
  const box = inkBox(ink, image.width, image.height);
  if (!box) return new Uint8Array(width * height); // a blank page
  const scale = Math.min((width * 20) / 28 / box.width, (height * 20) / 28 / box.height);
  const [w, h] = [Math.max(1, Math.round(box.width * scale)), Math.max(1, Math.round(box.height * scale))];
  const { data: digit } = resizeImage({ ...image, data: ink }, { width: w, height: h, box });
  const { x, y } = centreOfMass(digit, w, h);
  const left = clamp(Math.round(width / 2 - x), 0, width - w);
  const top = clamp(Math.round(height / 2 - y), 0, height - h);
  const out = new Uint8Array(width * height);
  for (let row = 0; row < h; row++) out.set(digit.subarray(row * w, (row + 1) * w), (top + row) * width + left);
  return out;
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

function borderOf({ data, width, height }: Image): Uint8Array {
  const border: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x += y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1))
      border.push(data[y * width + x]!);
  return Uint8Array.from(border);
}

/** How far each pixel stands out from the ground (the border's median): the ground becomes 0, the strongest ink 255, as in MNIST. */
function liftInk(data: Uint8Array, ground: number, light: boolean): Uint8Array {
  const strength = data.map((value) => Math.max(0, light ? ground - value : value - ground));
  const strongest = strength.reduce((a, b) => Math.max(a, b), 0);
  return strongest > 0 ? strength.map((value) => Math.round((value * 255) / strongest)) : strength;
}

function inkBox(ink: Uint8Array, width: number, height: number): Box | null {
  const threshold = ink.reduce((a, b) => Math.max(a, b), 0) * INK;
  if (threshold === 0) return null;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x]! <= threshold) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

function centreOfMass(data: Uint8Array, width: number, height: number): { x: number; y: number } {
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const value = data[row * width + column]!;
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  return mass > 0 ? { x: x / mass, y: y / mass } : { x: width / 2, y: height / 2 };
}
