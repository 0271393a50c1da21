import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { locationOf } from '../onnx/external-data.ts';
import type { Backend, BackendName, HostTensor, ResultShape, Session, SessionOptions } from './backend.ts';
import { checkOptions, checkRun, given, type ValueType } from './check-run.ts';
import { optimizationEntries } from './optimizations.ts';
import { spinning } from './spinning.ts';
import { WorkerLink } from './worker-link.ts';

/** What the bindings call the levels. */
const LEVELS = { none: 'disabled', folding: 'basic', basic: 'basic', extended: 'extended', all: 'all' } as const;

/** The npm package that a backend of this file calls. */
const PACKAGES = { node: 'onnxruntime-node', wasm: 'onnxruntime-web' } as const;

/**
 * A JavaScript binding of ONNX Runtime in a worker thread, since its `run` blocks the thread that calls it. Copies every tensor.
 * - 'node': the official binding of the native library, for machines where the C API cannot be called.
 * - 'wasm': onnxruntime-web, the same graphs as WebAssembly, where there is no native library. Its number of threads belongs to
 *   the process, so that `SessionOptions.threads` has no effect.
 * @throws Error where the package is not installed.
 */
export async function workerBackend(name: keyof typeof PACKAGES): Promise<Backend> {
  const link = new WorkerLink(name, pathOf(PACKAGES[name]), name === 'wasm' ? availableParallelism() : undefined);
  await link.send('open');
  let sessions = 0;
  return {
    name,
    async createSession(model, options = {}) {
      checkOptions(options);
      const session = sessions++;
      const created = await link.send('create', { session, model, options: settings(name, options) });
      return new WorkerSession(link, session, created as Created, options.inPlace);
    },
  };
}

function pathOf(library: string): string {
  try {
    return createRequire(import.meta.url).resolve(library);
  } catch {
    throw new Error(`the package '${library}' is not installed; npm install ${library}@1.30.0`);
  }
}

function settings(
  name: BackendName,
  { threads = availableParallelism(), optimization = 'all', external = new Map() }: SessionOptions,
): Record<string, unknown> {
  return {
    graphOptimizationLevel: LEVELS[optimization],
    logSeverityLevel: 4, // errors are thrown, not printed
    enableMemPattern: false,
    ...(external.size > 0 && {
      externalData: [...external].map(([tensor, { data }]) => ({
        path: locationOf(tensor),
        data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    }),
    ...(name === 'wasm'
      ? { executionProviders: ['wasm'], extra: { optimization: optimizationEntries(optimization) } }
      : {
          intraOpNumThreads: threads,
          extra: { session: spinning, optimization: optimizationEntries(optimization) },
        }),
  };
}

interface Created {
  readonly inputs: readonly ValueType[];
  readonly outputs: readonly ValueType[];
}

class WorkerSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #link: WorkerLink;
  readonly #session: number;
  readonly #created: Created;
  readonly #inPlace: SessionOptions['inPlace'];
  #disposed: Promise<unknown> | undefined;

  constructor(link: WorkerLink, session: number, created: Created, inPlace: SessionOptions['inPlace']) {
    this.#link = link;
    this.#session = session;
    this.#created = created;
    this.#inPlace = inPlace;
    this.inputNames = created.inputs.map(({ name }) => name);
    this.outputNames = created.outputs.map(({ name }) => name);
  }

  async run(
    inputs: readonly HostTensor[],
    wanted?: readonly (HostTensor | ResultShape | null)[],
  ): Promise<HostTensor[]> {
    const outputs = wanted?.map(given);
    if (this.#disposed) throw new Error('this session was disposed; create a new one');
    checkRun(this.#created.inputs, this.#created.outputs, inputs, outputs, this.#inPlace);
    const results = (await this.#link.send('run', { session: this.#session, inputs })) as HostTensor[];
    return results.map((result, i) => {
      const target = outputs?.[i];
      if (!target) return result;
      if (String(target.dims) !== String(result.dims))
        throw new RangeError(
          `output '${this.outputNames[i]}' has the shape [${result.dims}], the tensor for it [${target.dims}]`,
        );
      target.data.set(result.data as never);
      return target;
    });
  }

  /** The thread answers in order: what runs has ended before the session goes. */
  async dispose(): Promise<void> {
    this.#disposed ??= this.#link.send('release', { session: this.#session });
    await this.#disposed;
  }
}
