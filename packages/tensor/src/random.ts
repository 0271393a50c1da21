/** A seeded source of numbers. */
export interface Random {
  nextUint32(): number;
  /** In [0, 1), 53 bits. */
  nextFloat(): number;
  /** Shuffles in place (Fisher-Yates) and returns the array. */
  shuffle<L extends unknown[] | Int32Array>(items: L): L;
}

/** xoshiro128** (https://prng.di.unimi.it/xoshiro128starstar.c), its state filled by SplitMix32 from a seed and a stream. */
export function seeded(seed: number, stream = 0): Random {
  let mixed = (seed ^ Math.imul(stream, 0x9e3779b9)) | 0;
  const split = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let z = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return xoshiro128([split(), split(), split(), split()]);
}

/** The generator itself, from a state of four 32-bit numbers that are not all zero. */
export function xoshiro128(state: readonly [number, number, number, number]): Random {
  let [a, b, c, d] = state.map((x) => x | 0) as [number, number, number, number];
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const nextUint32 = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result;
  };
  return {
    nextUint32,
    nextFloat: () => ((nextUint32() >>> 5) * 2 ** 26 + (nextUint32() >>> 6)) / 2 ** 53,
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = Math.floor((nextUint32() / 2 ** 32) * (i + 1));
        const moved = items[i]!;
        items[i] = items[j]!;
        items[j] = moved;
      }
      return items;
    },
  };
}
