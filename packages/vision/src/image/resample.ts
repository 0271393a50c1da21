import type { Image } from './decode.ts';
import type { Taps } from './resample-filters.ts';
import { RESAMPLE_WASM } from './resample-wasm.ts';

/** What is used of it; the language's own library has no types for it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  acrossColour(source: number, target: number, size: number, records: number): void;
  acrossGrey(source: number, target: number, size: number, records: number): void;
  down(source: number, target: number, stride: number, record: number): void;
}

const PAGE = 65536;
let made: Kernel | null = null;

/** The kernel with room for so many bytes. Its functions run to their end at once, so one memory serves all. */
function kernel(bytes: number): Kernel & { readonly bytes: Uint8Array } {
  if (!made) {
    const module = new WebAssembly.Module(Uint8Array.from(atob(RESAMPLE_WASM), (char) => char.charCodeAt(0)));
    made = new WebAssembly.Instance(module).exports as Kernel;
  }
  const missing = bytes - made.memory.buffer.byteLength;
  if (missing > 0) made.memory.grow(Math.ceil(missing / PAGE));
  const { memory, acrossColour, acrossGrey, down } = made;
  return { memory, acrossColour, acrossGrey, down, bytes: new Uint8Array(memory.buffer) };
}

/** Every row from `from` to `to` at another width; the taps count bytes. */
export function acrossRows({ data, width, channels }: Image, taps: Taps, from: number, to: number): Image {
  const { records, size } = taps;
  const [stride, outStride] = [width * channels, size * channels];
  const source = aligned(records.byteLength);
  const target = source + aligned(stride + SLACK);
  const { bytes, acrossGrey, acrossColour } = kernel(target + outStride + SLACK);
  bytes.set(records, 0);
  const out = new Uint8Array((to - from) * outStride);
  const run = channels === 1 ? acrossGrey : acrossColour;
  for (let y = from; y < to; y++) {
    bytes.set(data.subarray(y * stride, (y + 1) * stride), source);
    run(source, target, size, 0);
    out.set(bytes.subarray(target, target + outStride), (y - from) * outStride);
  }
  return { width: size, height: to - from, channels, data: out };
}

/** Every column at another height; `data` begins at the source's row `offset`. The taps count rows. */
export function downColumns({ data, width, channels }: Image, taps: Taps, offset: number): Image {
  const { records, size, starts, first, counts, most } = taps;
  const stride = width * channels;
  const source = aligned(records.byteLength);
  // Rows that only fill up a four are read, whatever they hold.
  const target = source + aligned((most + 3) * stride + SLACK);
  const { bytes, down } = kernel(target + stride + SLACK);
  bytes.set(records, 0);
  const out = new Uint8Array(size * stride);
  for (let y = 0; y < size; y++) {
    const row = first[y]! - offset;
    bytes.set(data.subarray(row * stride, (row + counts[y]!) * stride), source);
    down(source, target, stride, starts[y]!);
    out.set(bytes.subarray(target, target + stride), y * stride);
  }
  return { width, height: size, channels, data: out };
}

/** What the kernel may touch behind rows. */
const SLACK = 16;
const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;
