import { availableParallelism } from 'node:os';
import { allocate, bytesOf, type DType, dtypeOfOnnx, onnxType, type TypedArray, view } from '../dtype.ts';
import type { Backend, HostTensor, Session, SessionOptions } from './backend.ts';
import { type Address, addressOf, type CApi, copyMemory, loadApi, readString } from './c-api.ts';
import { checkRun, type ValueType } from './check-run.ts';

const LEVELS = { none: 0, basic: 1, extended: 2, all: 99 } as const;

/** What every session of this process shares. */
interface Runtime {
  readonly api: CApi;
  readonly env: Address;
  readonly memoryInfo: Address;
  readonly allocator: Address;
}

let runtime: Runtime | undefined;

function open(): Runtime {
  if (runtime) return runtime;
  const api = loadApi();
  const make = (call: (out: BigUint64Array) => Address | null): Address => created(api, call);
  runtime = {
    api,
    env: make((out) => api.createEnv(3, 'rivulet', out)),
    memoryInfo: make((out) => api.createCpuMemoryInfo(1, 0, out)),
    allocator: make((out) => api.defaultAllocator(out)),
  };
  return runtime;
}

/** Throws the runtime's message, where a call returned a status. */
function check(api: CApi, status: Address | null): void {
  if (!status) return;
  const message = api.getErrorMessage(status) as string;
  api.releaseStatus(status);
  throw new Error(`ONNX Runtime: ${message}`);
}

function created(api: CApi, call: (out: BigUint64Array) => Address | null): Address {
  const out = new BigUint64Array(1);
  void out.buffer;
  check(api, call(out));
  return out[0]!;
}

/** A foreign call on a worker thread. */
function later(call: (done: (error: unknown, status: Address | null) => void) => void): Promise<Address | null> {
  return new Promise((resolve, reject) => call((error, status) => (error ? reject(error) : resolve(status))));
}

/** OrtValues over typed arrays, one per HostTensor for as long as that object lives. */
const values = new WeakMap<HostTensor, Address>();
const forgotten = new FinalizationRegistry<{ value: Address; data: TypedArray }>(({ value }) => {
  runtime?.api.releaseValue(value);
});

function valueOf({ api, memoryInfo }: Runtime, tensor: HostTensor): Address {
  const known = values.get(tensor);
  if (known) return known;
  const { dtype, dims, data } = tensor;
  const shape = BigInt64Array.from(dims, BigInt);
  const value = created(api, (out) =>
    api.createTensorWithData(memoryInfo, addressOf(data), data.byteLength, shape, dims.length, onnxType(dtype), out),
  );
  values.set(tensor, value);
  forgotten.register(tensor, { value, data }); // holding data keeps the memory as long as the value
  return value;
}

const forgottenSessions = new FinalizationRegistry<Address>((session) => runtime?.api.releaseSession(session));

/** ONNX Runtime's C API, called through koffi: asynchronous, and tensors are bound where they lie. */
export function nativeBackend(): Backend {
  const rt = open();
  return {
    name: 'native',
    async createSession(model, options = {}) {
      const { api } = rt;
      const settings = sessionOptions(api, options);
      try {
        const out = new BigUint64Array(1);
        void out.buffer;
        const length = model.byteLength;
        check(api, await later((done) => api.createSessionFromArray.async(rt.env, model, length, settings, out, done)));
        return new NativeSession(rt, out[0]!);
      } finally {
        api.releaseSessionOptions(settings);
      }
    },
  };
}

function sessionOptions(
  api: CApi,
  { threads = availableParallelism(), optimization = 'all' }: SessionOptions,
): Address {
  const options = created(api, (out) => api.createSessionOptions(out));
  check(api, api.setLogSeverity(options, 3));
  check(api, api.setOptimizationLevel(options, LEVELS[optimization]));
  check(api, api.setIntraOpThreads(options, threads));
  // Threads of one session that wait by spinning slow every other session down twofold.
  check(api, api.addConfigEntry(options, 'session.intra_op.allow_spinning', '0'));
  return options;
}

class NativeSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #runtime: Runtime;
  readonly #inputTypes: readonly ValueType[];
  readonly #outputTypes: readonly ValueType[];
  /** The names as C strings, which live as long as the session. */
  readonly #names: {
    readonly strings: Uint8Array[];
    readonly inputs: BigUint64Array;
    readonly outputs: BigUint64Array;
  };
  readonly #running = new Set<Promise<unknown>>();
  #session: Address | null;

  constructor(runtime: Runtime, session: Address) {
    this.#runtime = runtime;
    this.#session = session;
    forgottenSessions.register(this, session, this);
    const { api } = runtime;
    this.#inputTypes = describe(runtime, session, api.inputCount, api.inputName, api.inputTypeInfo);
    this.#outputTypes = describe(runtime, session, api.outputCount, api.outputName, api.outputTypeInfo);
    this.inputNames = this.#inputTypes.map(({ name }) => name);
    this.outputNames = this.#outputTypes.map(({ name }) => name);
    const strings: Uint8Array[] = [];
    const pointers = (names: readonly string[]): BigUint64Array => {
      const encoded = names.map((name) => new TextEncoder().encode(`${name}\0`));
      strings.push(...encoded);
      return pinned(BigUint64Array.from(encoded, addressOf));
    };
    this.#names = { inputs: pointers(this.inputNames), outputs: pointers(this.outputNames), strings };
  }

  async run(inputs: readonly HostTensor[], outputs?: readonly (HostTensor | null)[]): Promise<HostTensor[]> {
    const session = this.#session;
    if (session === null) throw new Error('this session was disposed');
    checkRun(this.#inputTypes, this.#outputTypes, inputs, outputs);
    const { api } = this.#runtime;
    const given = pinned(BigUint64Array.from(inputs, (tensor) => valueOf(this.#runtime, tensor)));
    const results = pinned(
      BigUint64Array.from(this.outputNames, (_, i) => (outputs?.[i] ? valueOf(this.#runtime, outputs[i]) : 0n)),
    );
    const names = this.#names;
    const work = later((done) =>
      api.run.async(session, null, names.inputs, given, given.length, names.outputs, results.length, results, done),
    );
    this.#running.add(work);
    try {
      check(api, await work);
    } finally {
      this.#running.delete(work);
      keep(inputs, outputs, given, names.strings);
    }
    return this.outputNames.map((_, i) => outputs?.[i] ?? take(api, results[i]!));
  }

  async dispose(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    this.#session = null;
    forgottenSessions.unregister(this);
    await Promise.allSettled(this.#running);
    this.#runtime.api.releaseSession(session);
  }
}

const pinned = (array: BigUint64Array): BigUint64Array => {
  void array.buffer;
  return array;
};

/** Native code still used these until here. */
function keep(..._used: unknown[]): void {}

function describe(
  rt: Runtime,
  session: Address,
  count: CApi['run'],
  nameOf: CApi['run'],
  typeOf: CApi['run'],
): ValueType[] {
  const { api, allocator } = rt;
  const total = Number(created(api, (out) => count(session, out)));
  return Array.from({ length: total }, (_, i) => {
    const address = created(api, (out) => nameOf(session, i, allocator, out));
    const name = readString(address);
    check(api, api.allocatorFree(allocator, address));
    const type = created(api, (out) => typeOf(session, i, out));
    const info = created(api, (out) => api.castToTensorInfo(type, out)); // owned by the type
    const dtype = elementType(api, info);
    api.releaseTypeInfo(type);
    return { name, dtype };
  });
}

function elementType(api: CApi, info: Address): DType {
  const code = new Int32Array(1);
  void code.buffer;
  check(api, api.elementType(info, code));
  return dtypeOfOnnx(code[0]!);
}

/** Copies an OrtValue that the runtime made, and releases it. */
function take(api: CApi, value: Address): HostTensor {
  try {
    const info = created(api, (out) => api.tensorTypeAndShape(value, out));
    const dtype = elementType(api, info);
    const rank = Number(created(api, (out) => api.rank(info, out)));
    const shape = new BigInt64Array(rank);
    void shape.buffer;
    check(api, api.dims(info, shape, rank));
    api.releaseTensorInfo(info);
    const dims = Array.from(shape, Number);
    const length = dims.reduce((a, b) => a * b, 1);
    if (length === 0) return { dtype, dims, data: allocate(dtype, 0) };
    const bytes = copyMemory(
      created(api, (out) => api.tensorData(value, out)),
      length * bytesOf(dtype),
    );
    return { dtype, dims, data: view(dtype, bytes.buffer, 0, length) };
  } finally {
    api.releaseValue(value);
  }
}
