import { type DType, dtypeOfOnnx } from '../dtype.ts';
import { type Address, type CApi, loadApi } from './c-api.ts';
import { reuseFreedMemory } from './freed-memory.ts';

/** The runtime's log levels: what goes wrong is thrown with its message, so printing it too says nothing new. */
export const LOG_FATAL_ONLY = 4;

const ARENA_ALLOCATOR = 1; // OrtArenaAllocator
const DEFAULT_MEMORY = 0; // OrtMemTypeDefault

/** What every session of this process shares. */
export interface Runtime {
  readonly api: CApi;
  readonly env: Address;
  readonly memoryInfo: Address;
  readonly allocator: Address;
  readonly runOptions: Address;
}

let opened: Runtime | undefined;

/** ONNX Runtime, loaded once. @throws Error saying what is missing. */
export function openRuntime(): Runtime {
  if (opened) return opened;
  const api = loadApi();
  reuseFreedMemory();
  opened = {
    api,
    env: created(api, (out) => api.createEnv(LOG_FATAL_ONLY, 'rivulet', out)),
    memoryInfo: created(api, (out) => api.createCpuMemoryInfo(ARENA_ALLOCATOR, DEFAULT_MEMORY, out)),
    allocator: created(api, (out) => api.defaultAllocator(out)),
    runOptions: created(api, (out) => api.createRunOptions(out)),
  };
  const { runOptions } = opened;
  // Node joins its threads before the process ends; runs stop at their next operation instead of going on to their end.
  process.once('exit', () => api.setTerminate(runOptions));
  return opened;
}

/** Throws the runtime's message, where a call returned a status. */
export function check(api: CApi, status: Address | null): void {
  if (!status) return;
  const message = api.getErrorMessage(status) as string;
  api.releaseStatus(status);
  throw new Error(`ONNX Runtime: ${message}`);
}

/** What a synchronous call put into its last argument. */
export function created(api: CApi, call: (out: BigUint64Array) => Address | null): Address {
  const out = new BigUint64Array(1);
  check(api, call(out));
  return out[0]!;
}

export function elementType(api: CApi, info: Address): DType {
  const code = new Int32Array(1);
  check(api, api.elementType(info, code));
  return dtypeOfOnnx(code[0]!);
}
