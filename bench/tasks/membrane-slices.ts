import { join } from 'node:path';
import { decodeImage, type HostTensor } from 'rivulet';

/** Height and width of every slice. */
export const SIDE = 512;
/** What a slice is seen with: itself between its neighbours in the volume, since a membrane that lies askew is blurred in one slice alone. */
export const CHANNELS = 3;

export interface Slice {
  /** [512, 512], mean 0 and deviation 1. */
  readonly image: Float32Array;
  /** 1 within cells, 0 on membranes. */
  readonly cell: Uint8Array;
}

/** A slice of the folder `image` with its mask in `label`. */
export async function readSlice(folder: string, i: number): Promise<Slice> {
  const read = async (part: string): Promise<Uint8Array> => {
    const { data, width, height } = await decodeImage(join(folder, part, `${i}.png`), { channels: 1 });
    if (width !== SIDE || height !== SIDE) throw new RangeError(`${part}/${i}.png is ${width}x${height}`);
    return data;
  };
  const [pixels, mask] = [await read('image'), await read('label')];
  const mean = pixels.reduce((sum, v) => sum + v, 0) / pixels.length;
  const deviation = Math.sqrt(pixels.reduce((sum, v) => sum + (v - mean) ** 2, 0) / pixels.length);
  return { image: Float32Array.from(pixels, (v) => (v - mean) / deviation), cell: mask.map((v) => (v > 127 ? 1 : 0)) };
}

/** The slice before, the slice and the one behind; at the ends of the volume the slice itself stands for the one that is missing. */
export function neighbours(volume: readonly Slice[], i: number): Float32Array[] {
  return [volume[i - 1] ?? volume[i]!, volume[i]!, volume[i + 1] ?? volume[i]!].map(({ image }) => image);
}

/** Where the pixel [y, x] of a turned slice comes from: 8 symmetries, of which 0 changes nothing. */
function place(symmetry: number, y: number, x: number): number {
  const [row, column] = symmetry & 4 ? [x, y] : [y, x];
  return (symmetry & 2 ? SIDE - 1 - row : row) * SIDE + (symmetry & 1 ? SIDE - 1 - column : column);
}

export type Scores = {
  run(feeds: Record<'images', HostTensor>): Promise<{ scores: HostTensor }>;
  dispose(): Promise<void>;
};

/** The scores of a slice, [512, 512], the mean over the symmetries that it is shown in. */
export async function scoresOf(
  graph: Scores,
  volume: readonly Slice[],
  i: number,
  symmetries: readonly number[],
): Promise<Float32Array> {
  const seen = neighbours(volume, i);
  const area = SIDE * SIDE;
  const mean = new Float32Array(area);
  for (const symmetry of symmetries) {
    const from = Int32Array.from({ length: area }, (_, at) => place(symmetry, Math.floor(at / SIDE), at % SIDE));
    const data = new Float32Array(CHANNELS * area);
    for (const [c, image] of seen.entries())
      data.set(
        Float32Array.from(from, (source) => image[source]!),
        c * area,
      );
    const { scores } = await graph.run({ images: { dtype: 'float32', dims: [1, CHANNELS, SIDE, SIDE], data } });
    from.forEach((source, at) => {
      mean[source]! += Number(scores.data[at]) / symmetries.length;
    });
  }
  return mean;
}
