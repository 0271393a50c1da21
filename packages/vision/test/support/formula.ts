import { crc32 } from 'node:zlib';
import { type Module, storageOf } from '@rivulet/nn';

/** Values in [-1, 1), as tools/reference/torchvision_parity.py makes them: MurmurHash3's finalizer over i + seed. */
export function noise(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  fillNoise(values, seed, (u) => u);
  return values;
}

function fillNoise(values: Float32Array, seed: number, value: (u: number) => number): void {
  for (let i = 0; i < values.length; i++) {
    let h = (i + seed) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    values[i] = value(((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1);
  }
}

const BATCH_NORM: Readonly<Record<string, (u: number) => number>> = {
  running_var: (u) => 0.1 + 0.05 * u,
  weight: (u) => 0.25 + 0.05 * u,
  bias: (u) => 0.7 + 0.3 * u,
  running_mean: (u) => 0.1 * u,
};

/**
 * Fills a model by the formula of the script; the reasons stand there.
 * @param period after so many values of a tensor the same come again: quick, and for comparisons with nothing but itself.
 */
export function fill(model: Module, period: number = Number.POSITIVE_INFINITY): void {
  const state = model.stateDict();
  for (const [name, t] of state) {
    const { data, dims, dtype } = storageOf(t);
    if (dtype !== 'float32') continue;
    const [, prefix, leaf] = /^(.*?)\.?([^.]*)$/.exec(name) as unknown as [string, string, string];
    const bound = Math.sqrt(6 / (data.length / (dims[0] ?? 1)));
    const base = leaf === 'weight' ? 1 : 0;
    const plain = (u: number): number => (dims.length > 1 ? u * bound : 0.1 * u + base);
    const value = state.has(`${prefix}.running_var`) ? BATCH_NORM[leaf]! : plain;
    const values = data as Float32Array;
    fillNoise(values.subarray(0, period), crc32(name), value);
    for (let done = period; done < values.length; done *= 2) values.copyWithin(done, 0, values.length - done);
  }
}
