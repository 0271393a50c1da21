import sharp from 'sharp';

/** A grey map [height, width] or colours [3, height, width], in any range of values. */
export interface Map2d {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
  readonly channels: 1 | 3;
}

type Colour = readonly [number, number, number];
/** The colours of curves in their order. */
const COLOURS: Readonly<Record<string, Colour>> = {
  blue: [31, 119, 180],
  orange: [255, 127, 14],
  green: [44, 160, 44],
  red: [214, 39, 40],
  purple: [148, 103, 189],
};

class Canvas {
  readonly #pixels: Uint8Array;
  readonly width: number;
  readonly height: number;

  constructor(width: number, height: number) {
    [this.width, this.height] = [width, height];
    this.#pixels = new Uint8Array(3 * width * height).fill(255);
  }

  fill(left: number, top: number, width: number, height: number, colour: Colour): void {
    for (let y = Math.max(0, top); y < Math.min(this.height, top + height); y++)
      for (let x = Math.max(0, left); x < Math.min(this.width, left + width); x++)
        this.#pixels.set(colour, 3 * (y * this.width + x));
  }

  async save(file: string): Promise<void> {
    await sharp(this.#pixels, { raw: { width: this.width, height: this.height, channels: 3 } })
      .png()
      .toFile(file);
  }
}

/** Draws lists of numbers as curves over one another, from the smallest value to the largest; says which colour is which. */
export async function curves(file: string, lines: Readonly<Record<string, readonly number[]>>): Promise<string> {
  const [width, height, edge] = [640, 400, 16];
  const all = Object.values(lines).flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const canvas = new Canvas(width, height);
  canvas.fill(edge, edge, 1, height - 2 * edge, [0, 0, 0]);
  canvas.fill(edge, height - edge, width - 2 * edge, 1, [0, 0, 0]);
  const names = Object.keys(COLOURS);
  Object.values(lines).forEach((values, i) => {
    const y = (x: number): number => {
      const at = Math.min(values.length - 1, Math.floor((x / (width - 2 * edge)) * values.length));
      return Math.round(height - edge - ((values[at]! - low) / (high - low || 1)) * (height - 2 * edge));
    };
    for (let x = 0; x < width - 2 * edge; x++) {
      const [a, b] = [y(x), y(Math.max(0, x - 1))];
      canvas.fill(edge + x, Math.min(a, b), 2, Math.abs(a - b) + 2, COLOURS[names[i % names.length]!]!);
    }
  });
  await canvas.save(file);
  const legend = Object.keys(lines).map((line, i) => `${line} ${names[i % names.length]}`);
  return `${legend.join(', ')}; from ${low.toPrecision(3)} to ${high.toPrecision(3)}`;
}

/** Cuts [count, channels, height, width] into maps. */
export function mapsOf(values: ArrayLike<number | bigint>, channels: 1 | 3, height: number, width: number): Map2d[] {
  const size = channels * height * width;
  const all = Array.from(values, Number);
  const map = (i: number): Map2d => ({ width, height, channels, data: all.slice(i * size, (i + 1) * size) });
  return Array.from({ length: all.length / size }, (_, i) => map(i));
}

/** Red, green and blue of classes. */
const CLASS_COLOURS = ['000', '110', '010', '001', '101', '111', '011', '100'];

/** Class numbers [count, height, width], up to 7, as maps in colours. */
export function classMaps(classes: ArrayLike<number | bigint>, height: number, width: number): Map2d[] {
  return mapsOf(classes, 1, height, width).map(({ data }) => {
    const ids = Array.from(data);
    const shade = (c: number): number[] => ids.map((id) => Number(CLASS_COLOURS[id]![c]));
    return { width, height, channels: 3, data: [0, 1, 2].flatMap(shade) };
  });
}

/** Draws maps side by side, each from black (its smallest value) to white (its largest), every value a square of `scale` pixels. */
export async function tiles(file: string, maps: readonly Map2d[], { columns = 8, scale = 4 } = {}): Promise<void> {
  const across = Math.min(columns, maps.length);
  const [cellWidth, cellHeight] = [maps[0]!.width * scale + 4, maps[0]!.height * scale + 4];
  const canvas = new Canvas(across * cellWidth, Math.ceil(maps.length / across) * cellHeight);
  maps.forEach(({ width, height, data, channels }, i) => {
    const area = width * height;
    const values = Array.from(data);
    const low = values.reduce((a, b) => Math.min(a, b));
    const span = values.reduce((a, b) => Math.max(a, b)) - low || 1;
    const [left, top] = [(i % across) * cellWidth + 2, Math.floor(i / across) * cellHeight + 2];
    for (let at = 0; at < area; at++) {
      const shade = (c: number): number => Math.round((255 * (values[(c % channels) * area + at]! - low)) / span);
      const [x, y] = [left + (at % width) * scale, top + Math.floor(at / width) * scale];
      canvas.fill(x, y, scale, scale, [shade(0), shade(1), shade(2)]);
    }
  });
  await canvas.save(file);
}

/** Draws a matrix, such as a confusion matrix or attention: the larger a value in its row, the lighter. */
export async function matrix(file: string, values: readonly number[], columns: number): Promise<void> {
  const height = values.length / columns;
  const scale = Math.max(2, Math.floor(400 / Math.max(columns, height)));
  const most = (row: number): number => Math.max(...values.slice(row * columns, (row + 1) * columns)) || 1;
  const data = values.map((value, i) => value / most(Math.floor(i / columns)));
  await tiles(file, [{ width: columns, height, data, channels: 1 }], { scale });
}
