import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { MAX_CALLS } from './later.ts';

/** An address in native memory; 0n is null. */
export type Address = bigint;

/**
 * Functions of ONNX Runtime's C API: position in the table (append-only, see onnxruntime_c_api.h) and C declaration. The
 * declarations have no names, because koffi's names are global and two copies of this module would clash.
 */
const functions = {
  getErrorMessage: [2, 'const char *(void *status)'],
  createEnv: [3, 'void *(int severity, const char *id, uint64_t *out)'],
  createSessionFromArray: [8, 'void *(void *env, const void *data, size_t length, void *options, uint64_t *out)'],
  run: [
    9,
    'void *(void *session, void *options, const void *names, const void *values, size_t inputs, const void *outNames, size_t outputs, void *out)',
  ],
  createSessionOptions: [10, 'void *(uint64_t *out)'],
  disableMemPattern: [17, 'void *(void *options)'],
  setLogSeverity: [22, 'void *(void *options, int level)'],
  setOptimizationLevel: [23, 'void *(void *options, int level)'],
  setIntraOpThreads: [24, 'void *(void *options, int threads)'],
  inputCount: [30, 'void *(void *session, uint64_t *out)'],
  outputCount: [31, 'void *(void *session, uint64_t *out)'],
  inputTypeInfo: [33, 'void *(void *session, size_t index, uint64_t *out)'],
  outputTypeInfo: [34, 'void *(void *session, size_t index, uint64_t *out)'],
  inputName: [36, 'void *(void *session, size_t index, void *allocator, uint64_t *out)'],
  outputName: [37, 'void *(void *session, size_t index, void *allocator, uint64_t *out)'],
  createRunOptions: [39, 'void *(uint64_t *out)'],
  setTerminate: [46, 'void *(void *runOptions)'],
  createTensorWithData: [
    49,
    'void *(void *info, const void *data, size_t bytes, const int64_t *dims, size_t rank, int type, uint64_t *out)',
  ],
  tensorData: [51, 'void *(void *value, uint64_t *out)'],
  castToTensorInfo: [55, 'void *(void *type, uint64_t *out)'],
  elementType: [60, 'void *(void *info, int *out)'],
  rank: [61, 'void *(void *info, uint64_t *out)'],
  dims: [62, 'void *(void *info, int64_t *out, size_t rank)'],
  tensorTypeAndShape: [65, 'void *(void *value, uint64_t *out)'],
  createCpuMemoryInfo: [69, 'void *(int allocator, int type, uint64_t *out)'],
  allocatorFree: [76, 'void *(void *allocator, void *data)'],
  defaultAllocator: [78, 'void *(uint64_t *out)'],
  releaseStatus: [93, 'void (void *status)'],
  releaseSession: [95, 'void (void *session)'],
  releaseValue: [96, 'void (void *value)'],
  releaseTypeInfo: [98, 'void (void *info)'],
  releaseTensorInfo: [99, 'void (void *info)'],
  releaseSessionOptions: [100, 'void (void *options)'],
  addConfigEntry: [130, 'void *(void *options, const char *key, const char *value)'],
  addExternalInitializers: [210, 'void *(void *options, const void *names, const void *values, size_t count)'],
} as const;

type FunctionName = keyof typeof functions;
/** koffi's arguments and results are typed by the declarations above, which TypeScript cannot see. */
// biome-ignore lint/suspicious/noExplicitAny: a foreign function's signature is a C declaration
type Foreign = ((...args: any[]) => any) & { async: (...args: any[]) => void };
export type CApi = Readonly<Record<FunctionName, Foreign>>;

/** Version of the function table that is asked for; later runtimes still serve it. */
const API_VERSION = 20;

/** Kept for the life of the process: a collected handle unloads the library under running code. */
let library: ReturnType<typeof koffi.load> | undefined;

/**
 * The runtime that onnxruntime-node brings for this platform. Where it lies in that package is no public promise, so it is
 * looked for. @throws Error naming where.
 */
export function findLibrary(): string {
  const bin = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')), 'bin');
  const pattern =
    { win32: /^onnxruntime\.dll$/, darwin: /^libonnxruntime.*\.dylib$/ }[process.platform as string] ??
    /^libonnxruntime\.so/;
  const folders = existsSync(bin)
    ? readdirSync(bin).map((napi) => join(bin, napi, process.platform, process.arch))
    : [];
  for (const folder of folders) {
    const file = existsSync(folder) ? readdirSync(folder).find((name) => pattern.test(name)) : undefined;
    if (file) return join(folder, file);
  }
  throw new Error(
    `onnxruntime-node has no library for ${process.platform} ${process.arch} (looked for ${pattern} in ${bin}/*)`,
  );
}

/** Loads the library. @throws Error where it is missing, cannot be loaded here, or is too old. */
export function loadApi(): CApi {
  const file = findLibrary();
  configure();
  library = koffi.load(file);
  const base = library.func('void *OrtGetApiBase()')() as Address;
  const [getApi] = koffi.decode(base, koffi.array('void *', 1)) as [Address];
  const table = koffi.decode(getApi, koffi.proto('void *(uint32_t version)'))(API_VERSION) as Address | null;
  if (!table) throw new Error(`${file} does not serve version ${API_VERSION} of ONNX Runtime's C API; it is too old`);
  const pointers = koffi.decode(table, koffi.array('void *', 211)) as Address[];
  const entries = Object.entries(functions).map(([name, [index, declaration]]) => {
    return [name, koffi.decode(pointers[index]!, koffi.proto(declaration)) as Foreign];
  });
  return Object.fromEntries(entries) as unknown as CApi;
}

/** The runtime's optimizer recurses deeply; koffi's own 128 KiB overflow. Touched pages alone take memory. */
const STACK = { async_stack_size: 8 << 20, resident_async_pools: MAX_CALLS };

function configure(): void {
  const config = koffi.config();
  if ((config.async_stack_size ?? 0) >= STACK.async_stack_size) return;
  try {
    koffi.config({ ...config, ...STACK });
  } catch (error) {
    throw new Error(
      "koffi loaded another library before, with stacks too small for ONNX Runtime; open the backend 'native' first, " +
        `or call koffi.config({ async_stack_size: ${STACK.async_stack_size} }) before that library is loaded`,
      { cause: error },
    );
  }
}

/** The address of a typed array's memory. Small arrays live on V8's heap and move: reading `buffer` pins them first. */
export function addressOf(data: ArrayBufferView): Address {
  void data.buffer;
  return koffi.address(data) as Address;
}

/** A copy of native memory. */
export function copyMemory(address: Address, bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(koffi.view(address, bytes) as ArrayBuffer).slice();
}

export function readString(address: Address): string {
  return koffi.decode(address, 'char', -1) as string;
}
