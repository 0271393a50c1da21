/**
 * Winograd's minimal filtering for 3-tap kernels (https://arxiv.org/abs/1509.09308) as products with constant matrices, for
 * activations whose channels come last.
 */

/** Outputs of a tile along an axis. */
export type TileSize = 2 | 4;

/** Bᵀ transforms a tile of the input, G the kernel, Aᵀ what comes out. */
const transforms: Readonly<
  Record<TileSize, { readonly bt: number[][]; readonly g: number[][]; readonly at: number[][] }>
> = {
  2: {
    bt: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    g: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    at: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    bt: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    g: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    at: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

function matrix(rows: number, columns: number, value: (row: number, column: number) => number): Matrix {
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) data[row * columns + column] = value(row, column);
  return { rows, columns, data };
}

/** Values per tile in the transformed domain, along one axis. */
export const points = (tile: TileSize): number => tile + 2;
export const tileCount = (outputs: number, tile: TileSize): number => Math.ceil(outputs / tile);

/** The input's transform along an axis: [points·tiles, size], rows in the order (point, tile); padding is zeros. */
export function inputTransform(tile: TileSize, size: number, outputs: number, padding: number): Matrix {
  const tiles = tileCount(outputs, tile);
  return matrix(points(tile) * tiles, size, (row, column) => {
    const [point, at] = [Math.floor(row / tiles), row % tiles];
    return transforms[tile].bt[point]![column + padding - at * tile] ?? 0;
  });
}

/** The output's transform along an axis: [outputs, points·tiles]. */
export function outputTransform(tile: TileSize, outputs: number): Matrix {
  const tiles = tileCount(outputs, tile);
  return matrix(outputs, points(tile) * tiles, (row, column) => {
    const [point, at] = [Math.floor(column / tiles), column % tiles];
    return Math.floor(row / tile) === at ? transforms[tile].at[row % tile]![point]! : 0;
  });
}

/** The kernel's transform along both axes: [points², 9]; turned round by 180° on request. */
export function kernelTransform(tile: TileSize, turned: boolean): Matrix {
  const { g } = transforms[tile];
  const count = points(tile);
  return matrix(count * count, 9, (row, column) => {
    const tap = turned ? 8 - column : column;
    return g[Math.floor(row / count)]![Math.floor(tap / 3)]! * g[row % count]![tap % 3]!;
  });
}

/**
 * Two transforms at once, [rows of both, columns of both]; the order (point, tile, point, tile) of the rows (or, for an output's
 * transform, of the columns) becomes (point, point, tile, tile).
 */
export function both(vertical: Matrix, horizontal: Matrix, tile: TileSize, ordered: 'rows' | 'columns'): Matrix {
  const count = points(tile);
  const split = (total: number) => total / count;
  const source = (index: number, high: number, low: number): [number, number] => {
    const [tilesHigh, tilesLow] = [split(high), split(low)];
    const column = index % tilesLow;
    const row = Math.floor(index / tilesLow) % tilesHigh;
    const point = Math.floor(index / (tilesLow * tilesHigh));
    return [Math.floor(point / count) * tilesHigh + row, (point % count) * tilesLow + column];
  };
  const plain = (index: number, low: number): [number, number] => [Math.floor(index / low), index % low];
  return matrix(vertical.rows * horizontal.rows, vertical.columns * horizontal.columns, (row, column) => {
    const [r1, r2] = ordered === 'rows' ? source(row, vertical.rows, horizontal.rows) : plain(row, horizontal.rows);
    const [c1, c2] =
      ordered === 'columns' ? source(column, vertical.columns, horizontal.columns) : plain(column, horizontal.columns);
    return vertical.data[r1 * vertical.columns + c1]! * horizontal.data[r2 * horizontal.columns + c2]!;
  });
}

export function transposed({ rows, columns, data }: Matrix): Matrix {
  return matrix(columns, rows, (row, column) => data[column * columns + row]!);
}
