import { availableParallelism } from 'node:os';
import { bytesOf, view } from '../dtype.ts';
import { inSlices } from '../slices.ts';
import type { Backend, HostTensor, ResultShape, Session, SessionOptions } from './backend.ts';
import { type Address, addressOf, type CApi } from './c-api.ts';
import { checkOptions, checkRun, given, type ValueType } from './check-run.ts';
import { later } from './later.ts';
import { optimizationEntries } from './optimizations.ts';
import { bind, bindForGood, kept, read } from './ort-value.ts';
import { check, created, LOG_FATAL_ONLY, openRuntime, type Runtime } from './runtime.ts';
import { inputTypes, outputTypes } from './session-types.ts';
import { spinning } from './spinning.ts';

/** GraphOptimizationLevel of the C API. */
const LEVELS = { none: 0, folding: 1, basic: 1, extended: 2, all: 99 } as const;

/**
 * ONNX Runtime's C API (https://onnxruntime.ai/docs/api/c/), called through koffi: calls run off the event loop, and tensors
 * are bound where they lie. A HostTensor object that is passed again is bound already.
 * @throws Error where the library is missing or does not load.
 */
export function nativeBackend(): Backend {
  const runtime = openRuntime();
  return {
    name: 'native',
    async createSession(model, options = {}) {
      checkOptions(options);
      const { api, env } = runtime;
      const settings = sessionOptions(api, options);
      const weights = addExternal(runtime, settings, options.external);
      try {
        const out = pinned(new BigUint64Array(1));
        const data = addressOf(model);
        const size = model.byteLength;
        check(api, await later((done) => api.createSessionFromArray.async(env, data, size, settings, out, done)));
        keep(model, weights, options);
        return new NativeSession(runtime, out[0]!, await typesOf(runtime, out[0]!), options.inPlace);
      } finally {
        api.releaseSessionOptions(settings);
        for (const value of weights.values) api.releaseValue(value);
      }
    },
  };
}

/** A training step has hundreds of inputs and outputs: their types are read in parts. */
async function typesOf(runtime: Runtime, session: Address): Promise<SessionTypes> {
  try {
    return {
      inputs: await inSlices(inputTypes(runtime, session)),
      outputs: await inSlices(outputTypes(runtime, session)),
    };
  } catch (error) {
    runtime.api.releaseSession(session);
    throw error;
  }
}

function sessionOptions(
  api: CApi,
  { threads = availableParallelism(), optimization = 'all' }: SessionOptions,
): Address {
  const options = created(api, (out) => api.createSessionOptions(out));
  check(api, api.setLogSeverity(options, LOG_FATAL_ONLY));
  check(api, api.setOptimizationLevel(options, LEVELS[optimization]));
  check(api, api.setIntraOpThreads(options, threads));
  check(api, api.disableMemPattern(options)); // see docs/decisions/0027
  const configure = (group: string, entries: Readonly<Record<string, string>>): void => {
    for (const [key, value] of Object.entries(entries))
      check(api, api.addConfigEntry(options, `${group}.${key}`, value));
  };
  configure('session', spinning);
  configure('optimization', optimizationEntries(optimization));
  return options;
}

/** What the session's options point to until it is there. */
interface External {
  readonly names: CStrings;
  readonly values: BigUint64Array;
}

function addExternal(runtime: Runtime, settings: Address, tensors: SessionOptions['external'] = new Map()): External {
  const { api } = runtime;
  const names = cStrings([...tensors.keys()]);
  const values = pinned(BigUint64Array.from([...tensors.values()], (tensor) => bind(runtime, tensor)));
  if (tensors.size > 0) check(api, api.addExternalInitializers(settings, names.pointers, values, values.length));
  return { names, values };
}

interface SessionTypes {
  readonly inputs: readonly ValueType[];
  readonly outputs: readonly ValueType[];
}

interface Handle {
  readonly runtime: Runtime;
  readonly session: Address;
}

const forgotten = new FinalizationRegistry<Handle>(({ runtime, session }) => runtime.api.releaseSession(session));

class NativeSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #runtime: Runtime;
  readonly #session: Address;
  readonly #inputTypes: readonly ValueType[];
  readonly #outputTypes: readonly ValueType[];
  readonly #inputStrings: CStrings;
  readonly #outputStrings: CStrings;
  readonly #inPlace: SessionOptions['inPlace'];
  readonly #running = new Set<Promise<unknown>>();
  #disposed: Promise<void> | undefined;

  constructor(runtime: Runtime, session: Address, types: SessionTypes, inPlace: SessionOptions['inPlace']) {
    this.#runtime = runtime;
    this.#session = session;
    this.#inPlace = inPlace;
    forgotten.register(this, { runtime, session }, this);
    this.#inputTypes = types.inputs;
    this.#outputTypes = types.outputs;
    this.inputNames = this.#inputTypes.map(({ name }) => name);
    this.outputNames = this.#outputTypes.map(({ name }) => name);
    this.#inputStrings = cStrings(this.inputNames);
    this.#outputStrings = cStrings(this.outputNames);
  }

  async run(
    inputs: readonly HostTensor[],
    outputs?: readonly (HostTensor | ResultShape | null)[],
  ): Promise<HostTensor[]> {
    if (this.#disposed) throw new Error('this session was disposed; create a new one');
    checkRun(this.#inputTypes, this.#outputTypes, inputs, outputs?.map(given), this.#inPlace);
    const targets = outputs?.map((output) => output && ('data' in output ? output : made(output)));
    const { api, runOptions } = this.#runtime;
    const session = this.#session;
    // Arrays of this run's own: runs may overlap, and the runtime writes into `results`.
    const values = pinned(new BigUint64Array(inputs.length));
    const results = pinned(new BigUint64Array(this.outputNames.length));
    const temporary: Address[] = [];
    try {
      // Who gives a tensor to write into does so again and again, and may read it in the next run: a training step's state, a cache.
      targets?.forEach((tensor, i) => {
        if (!tensor) return;
        const once = tensor !== outputs![i];
        results[i] = once ? bind(this.#runtime, tensor) : bindForGood(this.#runtime, tensor);
        if (once) temporary.push(results[i]!);
      });
      inputs.forEach((tensor, i) => {
        const known = kept(tensor);
        const value = known ?? bind(this.#runtime, tensor);
        if (known === undefined) temporary.push(value);
        values[i] = value;
      });
      const [names, outNames] = [this.#inputStrings.pointers, this.#outputStrings.pointers];
      const work = later((done) =>
        api.run.async(session, runOptions, names, values, values.length, outNames, results.length, results, done),
      );
      this.#running.add(work);
      try {
        check(api, await work);
      } finally {
        this.#running.delete(work);
      }
    } finally {
      for (const value of temporary) api.releaseValue(value);
      keep(inputs, targets, values, this);
    }
    return this.#collect(targets, results);
  }

  #collect(outputs: readonly (HostTensor | null)[] | undefined, results: BigUint64Array): HostTensor[] {
    try {
      return Array.from(results, (value, i) => outputs?.[i] ?? read(this.#runtime, value));
    } finally {
      results.forEach((value, i) => {
        if (!outputs?.[i]) this.#runtime.api.releaseValue(value);
      });
    }
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#release();
    return this.#disposed;
  }

  async #release(): Promise<void> {
    await Promise.allSettled(this.#running);
    forgotten.unregister(this);
    this.#runtime.api.releaseSession(this.#session);
  }
}

/** Null where there is nothing to write: the runtime makes it. Memory of its own, not cleared: the runtime writes all of it. */
function made({ dtype, dims }: ResultShape): HostTensor | null {
  const length = dims.reduce((a, b) => a * b, 1);
  if (length === 0) return null;
  const { buffer } = Buffer.allocUnsafeSlow(length * bytesOf(dtype));
  return { dtype, dims, data: view(dtype, buffer, 0, length) };
}

/** Strings that end in zero, and their addresses. */
interface CStrings {
  readonly pointers: BigUint64Array;
  readonly strings: readonly Uint8Array[];
}

function cStrings(texts: readonly string[]): CStrings {
  const strings = texts.map((text) => new TextEncoder().encode(`${text}\0`));
  return { strings, pointers: pinned(BigUint64Array.from(strings, addressOf)) };
}

/** Moves a small array from V8's heap, where the collector may move it, to memory of its own. */
function pinned(array: BigUint64Array): BigUint64Array {
  void array.buffer;
  return array;
}

/** Native code used these until here: a reference after the wait keeps them from being collected before. */
function keep(..._used: unknown[]): void {}
