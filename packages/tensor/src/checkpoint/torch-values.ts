import type { MetadataValue } from './checkpoint.ts';
import { CheckpointError } from './checkpoint-error.ts';
import type { PickleValue } from './pickle.ts';
import { plainValue, TorchTensor } from './torch-globals.ts';

/** Which of the values in a PyTorch checkpoint are wanted. */
export interface TorchOptions {
  /**
   * Where the tensors are: the key of a dict in the saved one (`'state_dict'`, `'model'`), or several, from the outside in.
   * Default: the saved value itself.
   */
  readonly root?: string | readonly string[];
  /** Takes the tensors of dicts and lists in dicts too, and joins the keys with dots. Default false. */
  readonly flatten?: boolean;
}

export interface TorchValues {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
}

/** Values that are visited: a small pickle can refer to one value endlessly often. */
const MAX_VISITS = 1_000_000;
const MAX_DEPTH = 100;

/** The tensors, and the numbers and strings beside them, under their names. @throws CheckpointError */
export function collect(value: PickleValue, { root = [], flatten = false }: TorchOptions, file: string): TorchValues {
  const start = descend(value, typeof root === 'string' ? [root] : root, file);
  const tensors = new Map<string, TorchTensor>();
  const metadata = new Map<string, MetadataValue>();
  const nested = new Map<string, number>();
  visitLeaves(start, file, (path, leaf) => {
    const name = path.join('.');
    if (path.length > 1 && !flatten) {
      if (leaf instanceof TorchTensor) nested.set(path[0]!, (nested.get(path[0]!) ?? 0) + 1);
    } else if (leaf instanceof TorchTensor) {
      if (tensors.has(name)) throw new CheckpointError(file, `has two tensors called '${name}'`);
      tensors.set(name || 'tensor', leaf); // a tensor alone has no name
    } else metadata.set(name, leaf);
  });
  if (nested.size > 0) {
    const found = [...nested].map(([key, count]) => `'${key}' (${count})`).join(', ');
    throw new CheckpointError(
      file,
      `has tensors in nested values: ${found}; name one with the option root, or take all with flatten`,
    );
  }
  return { tensors, metadata };
}

function descend(value: PickleValue, root: readonly string[], file: string): PickleValue {
  return root.reduce<PickleValue>((outer, key) => {
    const dict = plainValue(outer);
    const inner = dict instanceof Map ? dict.get(key) : undefined;
    if (inner !== undefined) return inner;
    const keys = dict instanceof Map ? [...dict.keys()].slice(0, 10).map((other) => `'${String(other)}'`) : [];
    throw new CheckpointError(file, `has no '${key}'${keys.length > 0 ? `; it has ${keys.join(', ')}` : ''}`);
  }, value);
}

/** Calls `use` for every tensor and figure; `path` changes afterwards. */
function visitLeaves(
  root: PickleValue,
  file: string,
  use: (path: readonly string[], leaf: TorchTensor | MetadataValue) => void,
): void {
  const path: string[] = [];
  let visits = 0;
  const visit = (given: PickleValue): void => {
    if (++visits > MAX_VISITS) throw new CheckpointError(file, `holds more than ${MAX_VISITS} values`);
    if (path.length > MAX_DEPTH) throw new CheckpointError(file, `nests values deeper than ${MAX_DEPTH} levels`);
    const value = plainValue(given);
    if (isLeaf(value)) use(path, value);
    else if (Array.isArray(value)) for (const [i, item] of value.entries()) enter(String(i), item);
    else if (value instanceof Map) for (const [key, item] of value) enter(keyOf(key, path, file), item);
    // Bytes, sets and types are neither tensors nor figures.
  };
  const enter = (key: string, item: PickleValue): void => {
    path.push(key);
    visit(item);
    path.pop();
  };
  visit(root);
}

function isLeaf(value: PickleValue): value is TorchTensor | MetadataValue {
  return (
    value instanceof TorchTensor || value === null || ['number', 'string', 'boolean', 'bigint'].includes(typeof value)
  );
}

function keyOf(key: PickleValue, path: readonly string[], file: string): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  throw new CheckpointError(file, `has a dict${path.length > 0 ? ` '${path.join('.')}'` : ''} whose keys are no names`);
}
