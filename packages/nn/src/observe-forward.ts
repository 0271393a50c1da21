import { Tensor } from '@rivulet/tensor';
import { Module } from './module.ts';

/** One call of a module's `forward`. */
export interface ForwardCall {
  /** The module's place in the model, '' for the model itself: `layers.0.attention`. */
  readonly path: string;
  readonly module: Module;
  readonly inputs: readonly unknown[];
  readonly result: unknown;
}

type Forward = (...inputs: unknown[]) => unknown;

/**
 * Runs `build` and tells every call of a `forward` in the model, once it returns: inner calls come before outer ones.
 * Modules whose parts are used without calling them (`linear(x, this.fc.weight)`) are not seen.
 */
export function observeForward<T>(model: Module, build: () => T, tell: (call: ForwardCall) => void): T {
  const watched = new Map<Module, string>();
  for (const [path, module] of modulesOf(model)) if (!watched.has(module)) watched.set(module, path);
  const shadowed: Module[] = [];
  try {
    for (const [module, path] of watched) {
      const own = Object.getOwnPropertyDescriptor(module, 'forward');
      const forward = (module as { forward?: unknown }).forward;
      if (own || typeof forward !== 'function') continue;
      const observed: Forward = (...inputs) => {
        const result = (forward as Forward).apply(module, inputs);
        tell({ path, module, inputs, result });
        return result;
      };
      Object.defineProperty(module, 'forward', { value: observed, configurable: true, enumerable: false });
      shadowed.push(module);
    }
    return build();
  } finally {
    for (const module of shadowed) delete (module as { forward?: unknown }).forward;
  }
}

/** Every module of a model by its path, the model itself first, as ''. */
export function modulesOf(model: Module): [string, Module][] {
  return [...walk(model, [])];
}

function* walk(node: unknown, path: readonly string[]): Generator<[string, Module]> {
  if (node instanceof Module) yield [path.join('.'), node];
  if (node instanceof Module || Array.isArray(node))
    for (const [name, child] of Object.entries(node)) yield* walk(child, [...path, name]);
}

/** The tensors in a value: itself, or those of a list or a record. */
export function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (value instanceof Module || typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return Object.values(value).flatMap(tensorsIn);
}
