import { installTensor, normalizeAxis } from './apply.ts';
import type { HostTensor } from './backend/backend.ts';
import { type Dim, formatShape, type Shape, sizeOf, staticShape } from './dim.ts';
import { allocate, type DType, type TypedArray } from './dtype.ts';
import { IndexingMethods } from './methods/indexing.ts';
import type { Node } from './node.ts';
import type { TensorType } from './ops/rule.ts';
import { formatValues, type NestedValues, nestedValues, numbersOf } from './print.ts';

export { apply, applyAll, installOps, normalizeAxis, ruleOf } from './apply.ts';
export { constant, hostTensor, type NestedArray, type Scalar, scalar, tensor } from './constant.ts';
export type { MatmulOptions } from './methods/indexing.ts';
export type { ConstantNode, InputNode, Node, OpNode, ParameterNode } from './node.ts';

/** Runs an expression; installed by eager.ts. */
export type Evaluate = (outputs: readonly Tensor[]) => Promise<HostTensor[]>;
let evaluate: Evaluate | undefined;
export function installEvaluate(run: Evaluate): void {
  evaluate = run;
}

/**
 * A multi-dimensional array that is not computed yet: an expression over inputs, parameters and constants.
 * `compile` turns expressions into a session; `await t.data()` runs this one alone. The operations stand in `methods/`.
 */
export class Tensor extends IndexingMethods implements TensorType {
  readonly node: Node;
  readonly index: number;

  constructor(node: Node, index = 0) {
    super();
    this.node = node;
    this.index = index;
  }

  get dtype(): DType {
    return this.node.types[this.index]!.dtype;
  }

  get shape(): Shape {
    return this.node.types[this.index]!.shape;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The size along an axis (negative counts from the end). */
  dim(axis: number): Dim {
    return this.shape[normalizeAxis('dim', axis, this.rank)]!;
  }

  /** As `dim`, for a size that must be known now. @throws TypeError where it is symbolic. */
  size(axis: number): number {
    return staticShape([this.dim(axis)], `size(${axis})`)[0]!;
  }

  /** The values, row-major. An expression is compiled and run; inputs of a graph have no values. */
  async data(): Promise<TypedArray> {
    return (await this.#host()).data;
  }

  /** The one value of a tensor that has one. */
  async item(): Promise<number> {
    const host = await this.#host();
    if (host.data.length !== 1)
      throw new RangeError(`item: a tensor of shape ${formatShape(this.shape)} has ${host.data.length} values`);
    return Number(numbersOf(host)[0]);
  }

  /** The values as nested lists of numbers or booleans; a plain one for shape []. */
  async toArray(): Promise<NestedValues> {
    return nestedValues(await this.#host());
  }

  /** The values as text, as PyTorch prints them: `tensor([[1., 2.], [3., 4.]])`; of many, the first and last three per axis. */
  async show(): Promise<string> {
    return formatValues(await this.#host());
  }

  /** Writes `show()` to the console. */
  async print(): Promise<void> {
    console.log(await this.show());
  }

  override toString(): string {
    return `Tensor(${this.dtype} ${formatShape(this.shape)})`;
  }

  async #host(): Promise<HostTensor> {
    if (this.node.kind === 'parameter') return this.node.storage;
    if (this.node.kind === 'constant') return this.node.value;
    return (await evaluate!([this]))[0]!;
  }
}

installTensor((node, index) => new Tensor(node, index));

// What Node's console and REPL show: type and shape, since values may not be computed yet.
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Tensor): string {
    return this.toString();
  },
});

/** A placeholder whose values are given when the compiled graph runs. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  return new Tensor({ kind: 'input', name, types: [{ dtype, shape }] });
}

/** A trainable tensor, zero until it is initialized or loaded. */
export function parameter(...shape: number[]): Tensor {
  return stateTensor(shape, false);
}

/** A tensor that is saved with a model and not trained, such as running statistics; zero at first. */
export function buffer(...shape: number[]): Tensor {
  return stateTensor(shape, true);
}

/** As `buffer`, of another element type. */
export function bufferOf(dtype: DType, ...shape: number[]): Tensor {
  return stateTensor(shape, true, dtype);
}

function stateTensor(shape: readonly number[], isBuffer: boolean, dtype: DType = 'float32'): Tensor {
  const storage: HostTensor = { dtype, dims: shape, data: allocate(dtype, Number(sizeOf(shape))) };
  return new Tensor({ kind: 'parameter', types: [{ dtype, shape }], storage, isBuffer, requiresGrad: !isBuffer });
}
