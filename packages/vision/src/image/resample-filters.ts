/** A filter around 0, and how far it reaches, in source pixels where the image keeps its size. */
export interface ResampleFilter {
  readonly support: number;
  readonly weight: (distance: number) => number;
}

const triangle = (at: number): number => Math.max(0, 1 - Math.abs(at));

/** Keys' cubic (https://doi.org/10.1109/TASSP.1981.1163711) with a = −1/2. */
export function cubic(at: number): number {
  const x = Math.abs(at);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const hamming = (at: number): number => {
  const x = Math.abs(at);
  return x >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x));
};

/** Pillow's filters, by the names that configurations give them. */
export const FILTERS: Readonly<Record<'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos', ResampleFilter>> = {
  box: { support: 0.5, weight: (at) => (at > -0.5 && at <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: triangle },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (at) => (at >= -3 && at < 3 ? sinc(at) * sinc(at / 3) : 0) },
};

/** Fractional bits of a weight: what 32 bits leave beside 8 of a pixel and 2 for sums beyond it; the lower ones stand apart. */
const [BITS, LOW_BITS] = [22, 14];

/** What the places of an axis are made of. */
export interface Taps {
  /** How many places there are. */
  readonly size: number;
  /** The first source pixel of each place. */
  readonly first: Int32Array;
  /** How many source pixels each has, and the most that one has. */
  readonly counts: Int32Array;
  readonly most: number;
  /** Where each place's record begins, in bytes. */
  readonly starts: Int32Array;
  /** The records that resample.wat reads. */
  readonly records: Uint8Array;
}

export interface Axis {
  readonly sourceSize: number;
  readonly size: number;
  /** The part of the source that is covered, in pixels; fractions are allowed. */
  readonly from: number;
  readonly to: number;
  /** What the records count the source in, as a multiple of pixels: bytes of a row, or rows. */
  readonly unit: number;
}

/** The taps of one axis. Where the image shrinks, the filter is stretched, so that nothing between the places is lost. */
export function tapsOf({ support, weight }: ResampleFilter, { sourceSize, size, from, to, unit }: Axis): Taps {
  const [begin, end] = [Math.fround(from), Math.fround(to)]; // Pillow holds boxes as float32
  const scale = (end - begin) / size;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const most = Math.ceil(reach) * 2 + 1;
  const [first, counts, starts] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)];
  const fours = Math.ceil(most / 4);
  const buffer = new ArrayBuffer(size * (8 + 16 * fours));
  const [numbers, halves] = [new Int32Array(buffer), new Int16Array(buffer)];
  const shares = new Float64Array(most);
  let at = 0;
  for (let place = 0; place < size; place++) {
    const center = begin + (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const count = Math.min(sourceSize, Math.trunc(center + reach + 0.5)) - start;
    let total = 0;
    for (let i = 0; i < count; i++) {
      shares[i] = weight((start + i - center + 0.5) * (1 / stretch));
      total += shares[i]!;
    }
    first[place] = start;
    counts[place] = count;
    starts[place] = at;
    numbers[at / 4] = start * unit;
    numbers[at / 4 + 1] = Math.ceil(count / 4);
    for (let i = 0; i < count; i++) {
      const share = total === 0 ? shares[i]! : shares[i]! / total;
      const fixed = Math.trunc((share < 0 ? -0.5 : 0.5) + share * 2 ** BITS);
      const half = at / 2 + 4 + 8 * (i >> 2) + (i & 3);
      halves[half] = fixed & (2 ** LOW_BITS - 1);
      halves[half + 4] = fixed >> LOW_BITS;
    }
    at += 8 + 16 * Math.ceil(count / 4);
  }
  return { size, first, counts, most, starts, records: new Uint8Array(buffer, 0, at) };
}
