import { allocate, type HostTensor } from '@rivulet/tensor';

/** Rows above which a buffer is not kept: logits of a whole text are rare, and large. */
const MOST_ROWS = 64;
/** Buffers that lie ready: one is written while another is still read. */
const READY = 2;

interface Buffer {
  readonly data: Float32Array;
  /** The first rows of it, by their number: a tensor that comes again is bound already. */
  readonly views: Map<number, HostTensor>;
}

/** Memory for logits [rows, vocabSize] that is used again: to allocate some for every step costs more in collecting than in filling it. */
export class LogitBuffers {
  readonly #vocabSize: number;
  readonly #ready: Buffer[] = [];
  readonly #given = new WeakMap<Float32Array, Buffer>();

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize;
  }

  /** Undefined for more rows than are worth it. */
  take(rows: number): HostTensor | undefined {
    if (rows > MOST_ROWS) return undefined;
    const size = rows * this.#vocabSize;
    const at = this.#ready.findIndex(({ data }) => data.length >= size);
    const buffer = at >= 0 ? this.#ready.splice(at, 1)[0]! : this.#allocate(rows);
    const view = buffer.views.get(rows) ?? {
      dtype: 'float32',
      dims: [rows, this.#vocabSize],
      data: buffer.data.subarray(0, size),
    };
    buffer.views.set(rows, view);
    this.#given.set(view.data as Float32Array, buffer);
    return view;
  }

  /** The logits that lie in a buffer taken here are no longer read. Others are let go. */
  recycle(logits: Float32Array): void {
    const buffer = this.#given.get(logits);
    if (!buffer || !this.#given.delete(logits)) return;
    this.#ready.unshift(buffer);
    this.#ready.length = Math.min(this.#ready.length, READY);
  }

  /** Rows are added and leave one by one: room for a power of two serves them all. */
  #allocate(rows: number): Buffer {
    const data = allocate('float32', 2 ** Math.ceil(Math.log2(rows)) * this.#vocabSize) as Float32Array;
    return { data, views: new Map() };
  }
}
