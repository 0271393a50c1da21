import type { Image } from '../image/decode.ts';

/** Left and right change places. */
export function flipHorizontal(image: Image): Image {
  return moved(image, (x, y) => [image.width - 1 - x, y]);
}

/** Top and bottom change places. */
export function flipVertical(image: Image): Image {
  return moved(image, (x, y) => [x, image.height - 1 - y]);
}

function moved({ data, width, height, channels }: Image, from: (x: number, y: number) => [number, number]): Image {
  const out = new Uint8Array(data.length);
  let o = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [column, row] = from(x, y);
      const at = (row * width + column) * channels;
      for (let c = 0; c < channels; c++) out[o++] = data[at + c]!;
    }
  return { width, height, channels, data: out };
}

export interface AffineOptions {
  /** Clockwise, in degrees. Default 0. */
  readonly angle?: number;
  /** Pixels to the right and down. Default none. */
  readonly translate?: readonly [number, number];
  /** Default 1. */
  readonly scale?: number;
  /** Along x and y, in degrees. Default none. */
  readonly shear?: readonly [number, number];
  /** Default 'nearest'. */
  readonly interpolation?: 'nearest' | 'bilinear';
  /** What fills the places that nothing comes to, 0 to 255. Default 0. */
  readonly fill?: number;
}

/** Turns, moves, scales and shears an image around its middle; the size stays. As torchvision's `affine` of tensors. */
export function affineImage(image: Image, options: AffineOptions): Image {
  const { angle = 0, translate = [0, 0], scale = 1, shear = [0, 0], interpolation = 'nearest', fill = 0 } = options;
  const { width, height } = image;
  const [turn, sx, sy] = [angle, ...shear].map((degrees) => (degrees * Math.PI) / 180) as [number, number, number];
  // The matrix back from the target to the source.
  const a = Math.cos(turn - sy) / Math.cos(sy);
  const b = -a * Math.tan(sx) - Math.sin(turn);
  const c = Math.sin(turn - sy) / Math.cos(sy);
  const d = -c * Math.tan(sx) + Math.cos(turn);
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale];
  const m2 = -m0 * translate[0] - m1 * translate[1] + width / 2 - 0.5;
  const m5 = -m3 * translate[0] - m4 * translate[1] + height / 2 - 0.5;
  const sample = interpolation === 'nearest' ? sampleNearest : sampleBilinear;
  const out = new Uint8Array(image.data.length);
  for (let row = 0, o = 0; row < height; row++)
    for (let column = 0; column < width; column++, o += image.channels) {
      const [x, y] = [column + 0.5 - width / 2, row + 0.5 - height / 2];
      sample(image, m0 * x + m1 * y + m2, m3 * x + m4 * y + m5, fill, out, o);
    }
  return { ...image, data: out };
}

/** Turns an image counterclockwise, in degrees, as torchvision's `rotate` does; the size stays. */
export function rotateImage(
  image: Image,
  angle: number,
  options: Pick<AffineOptions, 'interpolation' | 'fill'> = {},
): Image {
  return affineImage(image, { ...options, angle: -angle });
}

type Sample = (image: Image, x: number, y: number, fill: number, out: Uint8Array, o: number) => void;

/** Of two equally near pixels the even one, as PyTorch's `grid_sample`. */
const nearestEven = (value: number): number => {
  const down = Math.floor(value + 0.5);
  return down - value === 0.5 && down % 2 !== 0 ? down - 1 : down;
};

const sampleNearest: Sample = ({ data, width, height, channels }, x, y, fill, out, o) => {
  const [column, row] = [nearestEven(x), nearestEven(y)];
  const inside = column >= 0 && row >= 0 && column < width && row < height;
  for (let c = 0; c < channels; c++) out[o + c] = inside ? data[(row * width + column) * channels + c]! : fill;
};

const sampleBilinear: Sample = ({ data, width, height, channels }, x, y, fill, out, o) => {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, down] = [x - left, y - top];
  for (let c = 0; c < channels; c++) {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const [column, row] = [left + (i & 1), top + (i >> 1)];
      const weight = (i & 1 ? right : 1 - right) * (i >> 1 ? down : 1 - down);
      const inside = column >= 0 && row >= 0 && column < width && row < height;
      value += weight * (inside ? data[(row * width + column) * channels + c]! : fill);
    }
    out[o + c] = Math.round(value);
  }
};
