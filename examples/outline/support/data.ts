import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HostTensor, type Random, readIdxImages, readIdxLabels, seeded } from 'rivulet';

const shared = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));

/** An image [channels, side, side], values from −1 to 1, and its class. */
export interface Sample {
  readonly image: Float32Array;
  readonly label: number;
}

export interface ImageData {
  readonly train: readonly Sample[];
  readonly test: readonly Sample[];
  readonly names: readonly string[];
  /** [channels, side, side] */
  readonly shape: readonly [number, number, number];
  readonly source: string;
}

const parts = (short: boolean, train: number, test: number): [number, number] => (short ? [96, 32] : [train, test]);

/** Handwritten digits, 28 × 28: the first ones of MNIST where they are, else drawn with seven strokes. */
export async function digits(short: boolean, trainCount = 6000): Promise<ImageData> {
  const [train, test] = parts(short, trainCount, 1000);
  const folder = join(shared, 'images/mnist');
  const common = { names: [...'0123456789'], shape: [1, 28, 28] as const };
  if (short || !existsSync(folder))
    return { ...common, ...split(train, test, (random, label) => drawnDigit(random, label)), source: 'drawn digits' };
  const read = async (part: string, count: number): Promise<Sample[]> => {
    const { pixels } = await readIdxImages(join(folder, `${part}-images-idx3-ubyte.gz`));
    const labels = await readIdxLabels(join(folder, `${part}-labels-idx1-ubyte.gz`));
    const image = (i: number): Float32Array =>
      Float32Array.from(pixels.subarray(784 * i, 784 * (i + 1)), (v) => v / 127.5 - 1);
    return Array.from({ length: count }, (_, i) => ({ image: image(i), label: labels[i]! }));
  };
  return { ...common, train: await read('train', train), test: await read('t10k', test), source: 'MNIST' };
}

/** Colour images, 32 × 32: those of CIFAR-10 where they are, else drawn shapes. */
export async function photos(short: boolean, trainCount = 3000): Promise<ImageData> {
  const [train, test] = parts(short, trainCount, 1000);
  const file = join(shared, 'images/cifar10-4k/data.bin');
  if (short || !existsSync(file)) {
    const names = ['disk', 'ring', 'square', 'frame', 'cross'];
    return { names, shape: [3, 32, 32], ...split(train, test, drawnShape, names.length), source: 'drawn shapes' };
  }
  const bytes = await readFile(file);
  const sample = (i: number): Sample => ({
    image: Float32Array.from(bytes.subarray(3073 * i + 1, 3073 * (i + 1)), (v) => v / 127.5 - 1),
    label: bytes[3073 * i]!,
  });
  const all = Array.from({ length: train + test }, (_, i) => sample(i));
  const names = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
  return { names, shape: [3, 32, 32], train: all.slice(0, train), test: all.slice(train), source: 'CIFAR-10' };
}

/** A text to learn from: the first characters of The Time Machine where it is, else sentences made of few words. */
export async function prose(short: boolean, length = 60_000): Promise<{ text: string; source: string }> {
  const file = join(shared, 'text/timemachine/timemachine.txt');
  if (!short && existsSync(file)) {
    const text = (await readFile(file, 'utf8')).toLowerCase().replaceAll(/[^a-z]+/g, ' ');
    return { text: text.slice(0, length), source: 'The Time Machine' };
  }
  const random = seeded(1);
  const pick = (words: string): string => words.split(' ')[random.nextUint32() % words.split(' ').length]!;
  const sentence = (): string =>
    `the ${pick('cat dog bird')} ${pick('sees hears likes')} the ${pick('tree sun rain')} `;
  return { text: Array.from({ length: short ? 40 : 2000 }, sentence).join(''), source: 'made sentences' };
}

/** Images and labels as a model's inputs. */
export function batchOf(samples: readonly Sample[], shape: readonly number[]): Record<'images' | 'labels', HostTensor> {
  const size = shape.reduce((a, b) => a * b);
  const data = new Float32Array(samples.length * size);
  samples.forEach(({ image }, i) => {
    data.set(image, i * size);
  });
  return {
    images: { dtype: 'float32', dims: [samples.length, ...shape], data },
    labels: { dtype: 'int32', dims: [samples.length], data: Int32Array.from(samples, ({ label }) => label) },
  };
}

function split(train: number, test: number, draw: (random: Random, label: number) => Float32Array, classes = 10) {
  const random = seeded(1);
  const some = (count: number): Sample[] =>
    Array.from({ length: count }, (_, i) => ({ image: draw(random, i % classes), label: i % classes }));
  return { train: some(train), test: some(test) };
}

/** Top, upper left, upper right, middle, lower left, lower right, bottom. */
const STROKES = [
  '1110111',
  '0010010',
  '1011101',
  '1011011',
  '0111010',
  '1101011',
  '1101111',
  '1010010',
  '1111111',
  '1111011',
];

function drawnDigit(random: Random, label: number): Float32Array {
  const image = new Float32Array(784).map(() => -1 + 0.2 * random.nextFloat());
  const between = (low: number, high: number): number => low + Math.floor((high - low + 1) * random.nextFloat());
  const [left, top, width, half] = [between(5, 9), between(3, 6), between(8, 12), between(7, 9)];
  const fill = (x: number, y: number, w: number, h: number): void => {
    for (let row = y; row < y + h; row++) for (let column = x; column < x + w; column++) image[28 * row + column] = 1;
  };
  const [right, middle] = [left + width - 2, top + half];
  const strokes: [number, number, number, number][] = [
    [left, top, width, 2],
    [left, top, 2, half],
    [right, top, 2, half],
    [left, middle, width, 2],
    [left, middle, 2, half],
    [right, middle, 2, half],
    [left, middle + half - 2, width, 2],
  ];
  strokes.forEach((stroke, i) => {
    if (STROKES[label]![i] === '1') fill(...stroke);
  });
  return image;
}

/** Which class a point at these distances from the middle belongs to: disk, ring, square, frame or cross. */
function inShape(kind: number, dx: number, dy: number, size: number): boolean {
  const [round, square] = [Math.hypot(dx, dy), Math.max(Math.abs(dx), Math.abs(dy))];
  if (kind < 2) return round < size && (kind === 0 || round > size / 2);
  if (kind < 4) return square < size && (kind === 2 || square > size / 2);
  return square < size && Math.min(Math.abs(dx), Math.abs(dy)) < size / 3;
}

/** A shape of any colour on another; with `mask`, 1 where the shape is. */
export function drawnShape(random: Random, kind: number, mask?: Uint8Array): Float32Array {
  const [x, y, size] = [10 + 12 * random.nextFloat(), 10 + 12 * random.nextFloat(), 5 + 5 * random.nextFloat()];
  const colour = (): number[] => Array.from({ length: 3 }, () => 2 * random.nextFloat() - 1);
  const [front, back] = [colour(), colour()];
  const image = new Float32Array(3 * 1024);
  for (let i = 0; i < 1024; i++) {
    const inside = inShape(kind, (i % 32) - x, Math.floor(i / 32) - y, size);
    if (mask) mask[i] = inside ? 1 : 0;
    for (let c = 0; c < 3; c++) image[1024 * c + i] = (inside ? front : back)[c]! + 0.3 * (random.nextFloat() - 0.5);
  }
  return image;
}
