import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

const unzip = promisify(gunzip);

export interface IdxImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** [count, height, width], 0 to 255. */
  readonly pixels: Uint8Array;
}

/**
 * Reads grey images in MNIST's IDX format (https://yann.lecun.org/exdb/mnist), gzipped or not.
 * @throws Error naming the file and what is wrong with it.
 */
export async function readIdxImages(path: string): Promise<IdxImages> {
  const { dims, data } = await readIdx(path, 3);
  const [count, height, width] = dims as [number, number, number];
  return { count, height, width, pixels: data };
}

/** Reads labels in the same format. */
export async function readIdxLabels(path: string): Promise<Uint8Array> {
  return (await readIdx(path, 1)).data;
}

async function readIdx(path: string, rank: number): Promise<{ dims: number[]; data: Uint8Array }> {
  const raw = await readFile(path);
  const zipped = raw[0] === 0x1f && raw[1] === 0x8b;
  const bytes = zipped
    ? await unzip(raw).catch((error: Error) => {
        throw new Error(`${path}: the gzip data is damaged: ${error.message}`, { cause: error });
      })
    : raw;
  const header = 4 + 4 * rank;
  if (bytes.length < header)
    throw new Error(`${path}: has ${bytes.length} bytes, fewer than the ${header} of an IDX header`);
  const magic = 0x0800 + rank;
  if (bytes.readUInt32BE(0) !== magic)
    throw new Error(
      `${path}: is no IDX file of bytes with ${rank} axes: it starts with ${bytes.readUInt32BE(0)}, expected ${magic}`,
    );
  const dims = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const wanted = dims.reduce((a, b) => a * b, 1);
  if (bytes.length - header !== wanted)
    throw new Error(`${path}: says it holds ${dims.join(' × ')} bytes, but has ${bytes.length - header}`);
  return { dims, data: bytes.subarray(header) };
}
