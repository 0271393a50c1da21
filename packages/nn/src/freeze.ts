import type { Module } from './module.ts';

/** Which tensors: the path of a module or tensor ('classifier'), several of them, or a test of the name. */
export type Selection = string | readonly string[] | ((name: string) => boolean);

/**
 * Takes parameters out of training: trainers made from here on leave them as they are.
 * @param except what keeps its state, such as a new head; nothing by default.
 * @throws Error where `except` names nothing in the model.
 */
export function freeze(module: Module, { except = [] }: { readonly except?: Selection } = {}): void {
  const kept = select(module, except);
  for (const [name, { node }] of module.stateDict())
    if (node.kind === 'parameter' && !kept.has(name)) node.requiresGrad = false;
}

/** Makes parameters trainable again, all of them by default. @throws Error where `only` names nothing in the model. */
export function unfreeze(module: Module, { only = () => true }: { readonly only?: Selection } = {}): void {
  const chosen = select(module, only);
  for (const [name, { node }] of module.stateDict())
    if (node.kind === 'parameter' && chosen.has(name)) node.requiresGrad = true;
}

function select(module: Module, selection: Selection): Set<string> {
  const names = [...module.stateDict().keys()];
  if (typeof selection === 'function') return new Set(names.filter(selection));
  const paths = typeof selection === 'string' ? [selection] : selection;
  const chosen = paths.flatMap((path) => {
    const found = names.filter((name) => isPartOf(name, path));
    if (found.length === 0) throw new Error(`the model has no '${path}'; it has: ${firstParts(names)}`);
    return found;
  });
  return new Set(chosen);
}

/** Whether a tensor's name is the path, or lies under it. */
export const isPartOf = (name: string, path: string): boolean => name === path || name.startsWith(`${path}.`);

/** The model's direct children. */
const firstParts = (names: readonly string[]): string =>
  [...new Set(names.map((name) => name.split('.')[0]))].join(', ');
