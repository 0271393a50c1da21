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
   * @returns what did not fit; with `strict`, the default, that is nothing.
   * @throws StateDictError listing every missing, unexpected and mismatching key; nothing is changed then.
   */
  loadStateDict(values: ReadonlyMap<string, HostTensor>, options: LoadOptions = {}): StateDictReport {
    const { strict = true, prefix = '', skipMismatched = false } = options;
    const own = this.stateDict();
    const given = new Map(
      [...values].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]),
    );
    const report: StateDictReport = {
      missing: [...own].filter(([key]) => !given.has(key)).map(([key, t]) => `${prefix}${key} ${formatShape(t.shape)}`),
      unexpected: [...given]
        .filter(([key]) => !own.has(key))
        .map(([key, value]) => `${prefix}${key} ${formatShape(value.dims)}`),
      mismatched: [...own].flatMap(([key, target]) => {
        const value = given.get(key);
        const problem = value && mismatch(value, target);
        return problem ? [`${prefix}${key} ${problem}`] : [];
      }),
    };
    const incomplete = report.missing.length > 0 || report.unexpected.length > 0;
    if ((strict && incomplete) || (!skipMismatched && report.mismatched.length > 0)) throw new StateDictError(report);
    for (const [key, target] of own) {
      const value = given.get(key);
      if (value && mismatch(value, target) === null) storageOf(target).data.set(value.data as never);
    }
    return report;
  }
}

export interface LoadOptions {
  /** Refuses missing and unexpected keys. Default true, as in PyTorch. */
  readonly strict?: boolean;
  /** Takes only the keys that begin so, and removes that from them: `'backbone.'` for a part of a larger model. Default ''. */
  readonly prefix?: string;
  /** Leaves tensors of another shape or type as they are, instead of refusing the checkpoint. Default false. */
  readonly skipMismatched?: boolean;
}

/** What of a checkpoint did not fit: keys as the checkpoint has (or would have) them, with shapes. */
export interface StateDictReport {
  /** Wanted by the model, not in the checkpoint. */
  readonly missing: readonly string[];
  /** In the checkpoint, not in the model. */
  readonly unexpected: readonly string[];
  /** In both, but of another shape or element type. */
  readonly mismatched: readonly string[];
}

/** A checkpoint that does not fit the model. */
export class StateDictError extends Error {
  readonly report: StateDictReport;

  constructor(report: StateDictReport) {
    const parts = Object.entries(report as Record<keyof StateDictReport, readonly string[]>)
      .filter(([, keys]) => keys.length > 0)
      .map(([kind, keys]) => `${keys.length} ${kind}: ${listed(keys)}`);
    super(`the checkpoint does not fit the model: ${parts.join('; ')}`);
    this.name = 'StateDictError';
    this.report = report;
  }
}

/** The message stays readable where a checkpoint of another model has thousands of keys; the report has all. */
function listed(keys: readonly string[]): string {
  const shown = keys.slice(0, 20).join(', ');
  return keys.length > 20 ? `${shown} and ${keys.length - 20} more` : shown;
}

function mismatch(value: HostTensor, target: Tensor): string | null {
  if (!sameShape(value.dims, target.shape))
    return `has shape ${formatShape(value.dims)}, the model wants ${formatShape(target.shape)}`;
  return value.dtype === target.dtype ? null : `is ${value.dtype}, the model wants ${target.dtype}`;
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
