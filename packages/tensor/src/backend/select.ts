import type { Backend, BackendName } from './backend.ts';

const openers: Record<BackendName, () => Promise<Backend>> = {
  native: async () => (await import('./native.ts')).nativeBackend(),
  node: async () => (await import('./node.ts')).nodeBackend(),
};

let chosen: Promise<Backend> | undefined;

/** Opens a backend by name. @throws Error saying what is missing. */
export async function openBackend(name: BackendName): Promise<Backend> {
  const opener = openers[name];
  if (!opener) throw new TypeError(`there is no backend '${name}'; there are: ${Object.keys(openers).join(', ')}`);
  try {
    return await opener();
  } catch (error) {
    throw new Error(`the backend '${name}' does not start: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * The backend of this process, chosen once: what RIVULET_BACKEND names, else the C API, else (with a warning) the official
 * binding.
 */
export function defaultBackend(): Promise<Backend> {
  chosen ??= choose();
  return chosen;
}

async function choose(): Promise<Backend> {
  const wanted = process.env['RIVULET_BACKEND'];
  if (wanted) return openBackend(wanted as BackendName);
  try {
    return await openBackend('native');
  } catch (error) {
    process.emitWarning(`${(error as Error).message}; falling back to the official binding, which copies every tensor`);
    return openBackend('node');
  }
}
