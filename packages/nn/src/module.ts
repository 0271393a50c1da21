import { formatShape, type HostTensor, sameShape, Tensor } from '@rivulet/tensor';

/** Base of every layer. Tensors, modules and arrays of modules in its fields are the checkpoint. */
export abstract class Module {
  /** Every tensor by its path, as in PyTorch's checkpoints: `layers.0.weight`. A tensor with two names appears under the first. */
  stateDict(): Map<string, Tensor> {
    const seen = new Set<unknown>();
    return new Map([...namedTensors(this, [])].filter(([, t]) => !seen.has(t.node) && seen.add(t.node)));
  }

  /** The tensors that training changes. */
  parameters(): Map<string, Tensor> {
    return new Map(
      [...this.stateDict()].filter(([, t]) => t.node.kind === 'parameter' && !t.node.isBuffer && t.node.requiresGrad),
    );
  }

  /** The number of trainable values. */
  parameterCount(): number {
    return [...this.parameters().values()].reduce((n, t) => n + storageOf(t).data.length, 0);
  }

  /**
   * Copies a checkpoint into the tensors.
   * @throws StateDictError listing every missing, unexpected and misshapen key; nothing is changed then.
   */
  loadStateDict(values: ReadonlyMap<string, HostTensor>): void {
    const own = this.stateDict();
    const problems: string[] = [];
    for (const [key, target] of own) {
      const value = values.get(key);
      if (!value) problems.push(`missing ${key} ${formatShape(target.shape)}`);
      else if (!sameShape(value.dims, target.shape))
        problems.push(`${key} has shape ${formatShape(value.dims)}, the model wants ${formatShape(target.shape)}`);
      else if (value.dtype !== target.dtype) problems.push(`${key} is ${value.dtype}, the model wants ${target.dtype}`);
    }
    for (const key of values.keys())
      if (!own.has(key)) problems.push(`unexpected ${key} ${formatShape(values.get(key)!.dims)}`);
    if (problems.length > 0) throw new StateDictError(problems);
    for (const [key, target] of own) storageOf(target).data.set(values.get(key)!.data as never);
  }
}

/** A checkpoint that does not fit the model. */
export class StateDictError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const shown = problems.slice(0, 5).join('; ');
    super(
      `the checkpoint does not fit the model: ${shown}${problems.length > 5 ? `; and ${problems.length - 5} more` : ''}`,
    );
    this.name = 'StateDictError';
    this.problems = problems;
  }
}

/** The values of a parameter or buffer as they are now. */
export function storageOf(tensor: Tensor): HostTensor {
  if (tensor.node.kind !== 'parameter') throw new TypeError(`${tensor} is no parameter`);
  return tensor.node.storage;
}

function* namedTensors(node: unknown, path: string[]): Generator<[string, Tensor]> {
  if (node instanceof Tensor) yield [path.join('.'), node];
  else if (node instanceof Module || Array.isArray(node))
    for (const [name, child] of Object.entries(node)) yield* namedTensors(child, [...path, name]);
}

/** Anything that maps one tensor to one tensor. A list of them needs no container class. */
export type Layer = ((x: Tensor) => Tensor) | { forward(x: Tensor): Tensor };

export function sequential(x: Tensor, layers: readonly Layer[]): Tensor {
  return layers.reduce((y, layer) => (typeof layer === 'function' ? layer(y) : layer.forward(y)), x);
}
