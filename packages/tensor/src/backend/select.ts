import type { Backend, BackendName, SessionOptions } from './backend.ts';

export interface BackendChoice extends SessionOptions {
  /** The backend of this graph. Default: the process's, see `defaultBackend`. */
  readonly backend?: BackendName;
}

/** Each is loaded when it is asked for, so that a program does not need what it does not use. */
const openers: Readonly<Record<BackendName, () => Promise<Backend>>> = {
  native: async () => (await import('./native.ts')).nativeBackend(),
  node: async () => (await import('./worker.ts')).workerBackend('node'),
  wasm: async () => (await import('./worker.ts')).workerBackend('wasm'),
};

const opened = new Map<BackendName, Promise<Backend>>();
let chosen: Promise<Backend> | undefined;

/**
 * Opens a backend by name, once.
 * @throws TypeError for an unknown name.
 * @throws Error saying what is missing where it does not start.
 */
export async function openBackend(name: BackendName): Promise<Backend> {
  if (!Object.hasOwn(openers, name))
    throw new TypeError(`there is no backend '${name}'; there are: ${Object.keys(openers).join(', ')}`);
  const known = opened.get(name) ?? openers[name]();
  opened.set(name, known);
  try {
    return await known;
  } catch (error) {
    opened.delete(name); // what was missing may be there next time
    throw new Error(`the backend '${name}' does not start: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The backend of this process, chosen once: the one that the environment variable RIVULET_BACKEND names, else 'native', else,
 * with one warning, 'node'.
 * @throws TypeError where the variable names no backend.
 * @throws Error saying what is missing where none starts.
 */
export function defaultBackend(): Promise<Backend> {
  chosen ??= choose().catch((error: unknown) => {
    chosen = undefined;
    throw error;
  });
  return chosen;
}

/** The backend that an option names, or the default one. */
export function chooseBackend(name: BackendName | undefined): Promise<Backend> {
  return name === undefined ? defaultBackend() : openBackend(name);
}

async function choose(): Promise<Backend> {
  const wanted = process.env.RIVULET_BACKEND;
  if (wanted) {
    if (!Object.hasOwn(openers, wanted))
      throw new TypeError(`RIVULET_BACKEND is '${wanted}', expected one of: ${Object.keys(openers).join(', ')}`);
    return openBackend(wanted as BackendName);
  }
  try {
    return await openBackend('native');
  } catch (error) {
    const { message } = error as Error;
    const backend = await openBackend('node').catch((second: Error) => {
      throw new Error(`no backend starts; reinstall onnxruntime-node and koffi.\n${message}\n${second.message}`);
    });
    process.emitWarning(`${message}. Using the backend 'node', which copies every tensor and is slower.`, {
      type: 'RivuletWarning',
    });
    return backend;
  }
}
