import type { HostTensor, Random } from 'rivulet';
import { CHANNELS, neighbours, SIDE, type Slice } from './membrane-slices.ts';

/** Pixels between two points of the grid that bends a crop: a power of two. */
const SPACING = 32;
/** Of so many crops the plane is bent, turned by any angle and enlarged or made smaller; the others keep the slice's own pixels. */
const BENT = 0.6;

/**
 * Squares from anywhere in slices that lie together: turned, mirrored and bent as tissue may be (U-Net's elastic deformations), with
 * other contrast and brightness, and noise. A mask's pixel that comes from between cell and membrane is the share of the cell.
 */
export function crops(
  volume: readonly Slice[],
  random: Random,
  { count, side }: { readonly count: number; readonly side: number },
): Record<'images' | 'cells', HostTensor> {
  const area = side * side;
  const [images, cells] = [new Float32Array(count * CHANNELS * area), new Float32Array(count * area)];
  for (let n = 0; n < count; n++) {
    const chosen = random.nextUint32() % volume.length;
    const seen = neighbours(volume, chosen);
    if (random.nextUint32() % 2 === 1) seen.reverse();
    const places = random.nextFloat() < BENT ? bent(side, random) : plain(side, random);
    const change = { factor: between(random, 0.75, 1.33), offset: between(random, -0.25, 0.25) };
    for (const [c, image] of seen.entries())
      sample(image, places, change, images.subarray((n * CHANNELS + c) * area, (n * CHANNELS + c + 1) * area));
    sample(volume[chosen]!.cell, places, { factor: 1, offset: 0 }, cells.subarray(n * area, (n + 1) * area));
    if (random.nextUint32() % 2 === 1)
      addNoise(images.subarray(n * CHANNELS * area, (n + 1) * CHANNELS * area), between(random, 0, 0.15), random);
  }
  const of = (channels: number, data: Float32Array): HostTensor => ({
    dtype: 'float32',
    dims: [count, channels, side, side],
    data,
  });
  return { images: of(CHANNELS, images), cells: of(1, cells) };
}

/** Where each pixel of a crop lies in the slice: its row, its column. */
type Places = Readonly<Record<'rows' | 'columns', Float32Array>>;

const between = (random: Random, low: number, high: number): number => low + (high - low) * random.nextFloat();

/** One of the 8 symmetries of a square. */
function plain(side: number, random: Random): Places {
  const turn = (random.nextUint32() % 4) * (Math.PI / 2);
  return placed(side, random, { turn, scale: 1 }, () => 0);
}

function bent(side: number, random: Random): Places {
  const field = [bending(side, random), bending(side, random)] as const;
  return placed(
    side,
    random,
    { turn: between(random, 0, 2 * Math.PI), scale: between(random, 0.85, 1.2) },
    (axis, y, x) => field[axis](y, x),
  );
}

function placed(
  side: number,
  random: Random,
  { turn, scale }: { readonly turn: number; readonly scale: number },
  shift: (axis: 0 | 1, y: number, x: number) => number,
): Places {
  const [rows, columns] = [new Float32Array(side * side), new Float32Array(side * side)];
  const mirror = random.nextUint32() % 2 === 1 ? -1 : 1;
  const middle = (side - 1) / 2;
  const centre = (): number => (random.nextUint32() % (SIDE - side + 1)) + middle; // a quarter turn meets whole pixels
  const [row, column] = [centre(), centre()];
  const [cosine, sine] = [Math.cos(turn) / scale, Math.sin(turn) / scale];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [dy, dx] = [y - middle, (x - middle) * mirror];
      rows[y * side + x] = row + cosine * dy + sine * dx + shift(0, y, x);
      columns[y * side + x] = column - sine * dy + cosine * dx + shift(1, y, x);
    }
  return { rows, columns };
}

/** How far each pixel moves, up to some 10: random numbers on a grid, joined by cubic B-splines. */
function bending(side: number, random: Random): (y: number, x: number) => number {
  const points = side / SPACING + 4;
  const deviation = between(random, 0, 7.5);
  const grid = Float32Array.from({ length: points * points }, () => deviation * gaussian(random));
  const weights = Array.from({ length: SPACING }, (_, i) => splineWeights(i / SPACING));
  return (y, x) => {
    const [wy, wx] = [weights[y % SPACING]!, weights[x % SPACING]!];
    const first = Math.floor(y / SPACING) * points + Math.floor(x / SPACING);
    let sum = 0;
    for (let a = 0; a < 4; a++) for (let b = 0; b < 4; b++) sum += wy[a]! * wx[b]! * grid[first + a * points + b]!;
    return sum;
  };
}

/** The shares of the four points around a place that is `t` behind the second. */
const splineWeights = (t: number): readonly number[] => [
  (1 - t) ** 3 / 6,
  (3 * t ** 3 - 6 * t * t + 4) / 6,
  (-3 * t ** 3 + 3 * t * t + 3 * t + 1) / 6,
  t ** 3 / 6,
];

const gaussian = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.nextFloat())) * Math.cos(2 * Math.PI * random.nextFloat());

/** Reads between pixels, bilinear; the slice is mirrored at its edges. */
function sample(
  source: Float32Array | Uint8Array,
  { rows, columns }: Places,
  { factor, offset }: { readonly factor: number; readonly offset: number },
  to: Float32Array,
): void {
  for (let i = 0; i < to.length; i++) {
    const [row, column] = [mirrored(rows[i]!), mirrored(columns[i]!)];
    const top = Math.min(SIDE - 2, Math.floor(row + 1e-4)); // rounding must not read a whole pixel from its neighbour's side
    const left = Math.min(SIDE - 2, Math.floor(column + 1e-4));
    const [down, right] = [row - top, column - left];
    const at = top * SIDE + left;
    const upper = source[at]! * (1 - right) + source[at + 1]! * right;
    const lower = source[at + SIDE]! * (1 - right) + source[at + SIDE + 1]! * right;
    to[i] = (upper * (1 - down) + lower * down) * factor + offset;
  }
}

function mirrored(place: number): number {
  const inside = Math.abs(place);
  return inside > SIDE - 1 ? 2 * (SIDE - 1) - inside : inside;
}

/** Nearly Gaussian: the sum of two numbers of one draw. */
function addNoise(values: Float32Array, deviation: number, random: Random): void {
  const scale = deviation * Math.sqrt(6);
  for (let i = 0; i < values.length; i++) {
    const drawn = random.nextUint32();
    values[i]! += scale * (((drawn & 0xffff) + (drawn >>> 16)) / 0xffff - 1);
  }
}
