import type { DType, TypedArray } from '../dtype.ts';

/** A tensor in host memory. `data` is row-major and has exactly the product of `dims` elements. */
export interface HostTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** The sizes and type that an output will have: the backend makes a tensor for it. */
export type ResultShape = Omit<HostTensor, 'data'>;

export interface SessionOptions {
  /** Threads inside an operation. Default: what `os.availableParallelism()` says. */
  readonly threads?: number;
  /**
   * Graph optimizations of the runtime. Default 'all'. Large unrolled graphs compile faster at 'basic'; 'folding' only computes
   * constants beforehand and equal operations once.
   */
  readonly optimization?: 'all' | 'extended' | 'basic' | 'folding' | 'none';
  /**
   * Outputs that may be given the very memory of an input: { output: input }. Only for an operation that is made for it, as
   * `cachedAttention` is for its caches.
   */
  readonly inPlace?: Readonly<Record<string, string>>;
  /** Initializers that the model names and does not hold, by name. They are copied, and may change once the session is there. */
  readonly external?: ReadonlyMap<string, HostTensor>;
}

/** A compiled graph. Runs may overlap; each run must have outputs of its own. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph off the event loop.
   * @param inputs one per input name, in that order. They must not change until the promise settles.
   * @param outputs one per output name: a tensor to write into (its dims must be the result's), or null to have one made. Where the
   *   sizes are known, naming them saves a copy. No output may share memory with an input, but where `inPlace` says so: the runtime may write it before the input was
   *   read for the last time.
   * @returns one per output name: the tensor given, or the one made.
   */
  run(inputs: readonly HostTensor[], outputs?: readonly (HostTensor | ResultShape | null)[]): Promise<HostTensor[]>;
  /** Releases the native session. Waits for running work; calling it twice is harmless. */
  dispose(): Promise<void>;
}

/** An engine that runs ONNX models. All backends run the same graphs. */
export interface Backend {
  readonly name: BackendName;
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>;
}

/**
 * - 'native': the C API of the bundled library, through koffi.
 * - 'node': the official binding of the same library.
 * - 'wasm': onnxruntime-web, which has to be installed beside this package.
 */
export type BackendName = 'native' | 'node' | 'wasm';
