import type { HostTensor } from './backend/backend.ts';
import { type Dim, formatShape, type Shape, sameShape, sizeOf, staticShape } from './dim.ts';
import { allocate, type DType, holds, type TypedArray } from './dtype.ts';
import { ShapeError } from './errors.ts';
import type { TensorType } from './ops/rule.ts';
import type { OpAttributes, OpName, OpTable } from './ops/table.ts';

/** Where a tensor comes from. Nodes form an acyclic graph that nothing changes once it is built, but for `replacement`. */
export type Node = InputNode | ParameterNode | ConstantNode | OpNode;

export interface InputNode {
  readonly kind: 'input';
  readonly name: string;
  readonly types: readonly TensorType[];
}

/** A value that outlives a graph: `storage` is read when a graph is compiled or a training step starts. */
export interface ParameterNode {
  readonly kind: 'parameter';
  readonly types: readonly TensorType[];
  storage: HostTensor;
  requiresGrad: boolean;
}

export interface ConstantNode {
  readonly kind: 'constant';
  readonly types: readonly TensorType[];
  readonly value: HostTensor;
}

export interface OpNode<P extends OpName = OpName> {
  readonly kind: 'op';
  readonly op: P;
  readonly inputs: readonly Tensor[];
  readonly attrs: OpAttributes[P];
  readonly types: readonly TensorType[];
  /** What computes the outputs instead, once autodiff needed the inside of this node. */
  replacement?: readonly Tensor[];
}

let table: OpTable | undefined;

/** Called once by the op table; keeps this file free of a dependence on the rules, which are written with tensors. */
export function installOps(ops: OpTable): void {
  table = ops;
}

/** The rule of an operation. */
export function ruleOf<P extends OpName>(op: P): OpTable[P] {
  return table![op];
}

/** Applies an operation; its shape rule runs now, so a mismatch throws at the line that caused it. */
export function applyAll<P extends OpName>(op: P, inputs: readonly Tensor[], attrs: OpAttributes[P]): Tensor[] {
  const types = ruleOf(op).shape(inputs, attrs);
  const node: OpNode<P> = { kind: 'op', op, inputs, attrs, types };
  return types.map((_, i) => new Tensor(node as unknown as OpNode, i));
}

export function apply<P extends OpName>(op: P, inputs: readonly Tensor[], attrs: OpAttributes[P]): Tensor {
  return applyAll(op, inputs, attrs)[0]!;
}

export type Scalar = number | Tensor;

/** Runs an expression; installed by eager.ts. */
export type Evaluate = (outputs: readonly Tensor[]) => Promise<HostTensor[]>;
let evaluate: Evaluate | undefined;
export function installEvaluate(run: Evaluate): void {
  evaluate = run;
}

/**
 * A multi-dimensional array that is not computed yet: an expression over inputs, parameters and constants.
 * `compile` turns expressions into a session; `await t.data()` runs this one alone.
 */
export class Tensor implements TensorType {
  readonly node: Node;
  readonly index: number;

  constructor(node: Node, index = 0) {
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
    if (this.node.kind === 'parameter') return this.node.storage.data;
    if (this.node.kind === 'constant') return this.node.value.data;
    const [result] = await evaluate!([this]);
    return result!.data;
  }

  /** The one value of a tensor that has one. */
  async item(): Promise<number> {
    const data = await this.data();
    if (data.length !== 1)
      throw new RangeError(`item: a tensor of shape ${formatShape(this.shape)} has ${data.length} values`);
    return Number(data[0]);
  }

  toString(): string {
    return `Tensor(${this.dtype} ${formatShape(this.shape)})`;
  }

  add(other: Scalar): Tensor {
    return apply('add', [this, this.#operand(other)], {});
  }
  sub(other: Scalar): Tensor {
    return apply('sub', [this, this.#operand(other)], {});
  }
  mul(other: Scalar): Tensor {
    return apply('mul', [this, this.#operand(other)], {});
  }
  div(other: Scalar): Tensor {
    return apply('div', [this, this.#operand(other)], {});
  }
  maximum(other: Scalar): Tensor {
    return apply('maximum', [this, this.#operand(other)], {});
  }
  minimum(other: Scalar): Tensor {
    return apply('minimum', [this, this.#operand(other)], {});
  }
  /** this^exponent, for a fixed exponent. */
  pow(exponent: number): Tensor {
    return apply('pow', [this], { exponent });
  }
  /** Comparisons give bool; their gradient is none. */
  equal(other: Scalar): Tensor {
    return apply('equal', [this, this.#operand(other)], {});
  }
  less(other: Scalar): Tensor {
    return apply('less', [this, this.#operand(other)], {});
  }
  greater(other: Scalar): Tensor {
    return apply('greater', [this, this.#operand(other)], {});
  }
  /** Where this (bool) holds, `a`, else `b`; all three broadcast. */
  where(a: Tensor, b: Scalar): Tensor {
    return apply('where', [this, a, a.#operand(b)], {});
  }
  not(): Tensor {
    return apply('not', [this], {});
  }
  neg(): Tensor {
    return apply('neg', [this], {});
  }
  exp(): Tensor {
    return apply('exp', [this], {});
  }
  log(): Tensor {
    return apply('log', [this], {});
  }
  sqrt(): Tensor {
    return apply('sqrt', [this], {});
  }
  abs(): Tensor {
    return apply('abs', [this], {});
  }
  erf(): Tensor {
    return apply('erf', [this], {});
  }
  relu(): Tensor {
    return apply('relu', [this], {});
  }
  sigmoid(): Tensor {
    return apply('sigmoid', [this], {});
  }
  tanh(): Tensor {
    return apply('tanh', [this], {});
  }
  /** The exact form, x·Φ(x) (https://arxiv.org/abs/1606.08415). */
  gelu(): Tensor {
    return apply('gelu', [this], {});
  }
  cast(dtype: DType): Tensor {
    return dtype === this.dtype ? this : apply('cast', [this], { dtype });
  }

  /** Sum over axes (all by default). */
  sum(axes?: number | readonly number[], { keepDims = false }: { keepDims?: boolean } = {}): Tensor {
    return apply('sum', [this], { axes: this.#axes('sum', axes), keepDims });
  }
  mean(axes?: number | readonly number[], { keepDims = false }: { keepDims?: boolean } = {}): Tensor {
    return apply('mean', [this], { axes: this.#axes('mean', axes), keepDims });
  }
  /** The largest along axes; its gradient is shared by ties. */
  max(axes?: number | readonly number[], { keepDims = false }: { keepDims?: boolean } = {}): Tensor {
    return apply('max', [this], { axes: this.#axes('max', axes), keepDims });
  }
  /** The position of the largest value along an axis, int64; the first of ties. */
  argmax(axis = -1): Tensor {
    return apply('argmax', [this], { axis: normalizeAxis('argmax', axis, this.rank) });
  }
  softmax(axis = -1): Tensor {
    return apply('softmax', [this], { axis: normalizeAxis('softmax', axis, this.rank) });
  }
  logSoftmax(axis = -1): Tensor {
    return apply('logSoftmax', [this], { axis: normalizeAxis('logSoftmax', axis, this.rank) });
  }

  /** One size may be -1: it is computed from the others. */
  reshape(shape: Shape): Tensor {
    return apply('reshape', [this], { shape });
  }
  /** Swaps two axes. */
  transpose(a: number, b: number): Tensor {
    const order = this.shape.map((_, i) => i);
    const [i, j] = [normalizeAxis('transpose', a, this.rank), normalizeAxis('transpose', b, this.rank)];
    order[i] = j;
    order[j] = i;
    return this.permute(order);
  }
  permute(order: readonly number[]): Tensor {
    return apply('permute', [this], { order });
  }
  /** Repeats axes of size 1 (broadcasting) to the given shape. */
  expand(shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : apply('expand', [this], { shape });
  }
  /** Inserts an axis of size 1. */
  unsqueeze(axis: number): Tensor {
    const at = normalizeAxis('unsqueeze', axis, this.rank + 1);
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }
  /** Removes an axis of size 1. */
  squeeze(axis: number): Tensor {
    const at = normalizeAxis('squeeze', axis, this.rank);
    if (this.shape[at] !== 1)
      throw new ShapeError('squeeze', `axis ${axis} of ${formatShape(this.shape)} is not of size 1`);
    return this.reshape(this.shape.filter((_, i) => i !== at));
  }
  /** `count` equal parts along an axis. */
  chunk(count: number, axis: number): Tensor[] {
    return applyAll('chunk', [this], { count, axis: normalizeAxis('chunk', axis, this.rank) });
  }
  /** The elements start ≤ i < end along an axis; negative positions count from the end. */
  slice(axis: number, start: number, end?: number): Tensor {
    return apply('slice', [this], { axis: normalizeAxis('slice', axis, this.rank), start, end: end ?? null });
  }
  /** Rows of axis 0 by integer indices of any shape: [V, …] gathered by [a, b] → [a, b, …]. */
  gather(indices: Tensor): Tensor {
    return apply('gather', [this, indices], {});
  }
  /** Matrix product of the last two axes; the others broadcast. */
  matmul(other: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
    return apply('matmul', [this, other], { transposeA, transposeB });
  }

  #axes(op: string, axes: number | readonly number[] | undefined): number[] {
    if (axes === undefined) return this.shape.map((_, i) => i);
    const list = (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis(op, axis, this.rank));
    return [...new Set(list)].sort((a, b) => a - b);
  }

  #operand(value: Scalar): Tensor {
    return typeof value === 'number' ? scalar(value, this.dtype === 'bool' ? 'float32' : this.dtype) : value;
  }
}

export interface MatmulOptions {
  transposeA?: boolean;
  transposeB?: boolean;
}

export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank)
    throw new ShapeError(op, `axis ${axis} is out of range for rank ${rank}`);
  return normal;
}

/** A constant of shape []. */
export function scalar(value: number, dtype: DType = 'float32'): Tensor {
  const data = allocate(dtype, 1);
  data[0] = (dtype === 'int64' ? BigInt(value) : value) as never;
  return constant(data, [], dtype);
}

/** A tensor with fixed values. Numbers in a plain array become float32. */
export function constant(values: TypedArray | readonly number[], shape: readonly number[], dtype?: DType): Tensor {
  const data = hostData(values, shape, dtype);
  const value = { data, dims: shape, dtype: dtype ?? dtypeOf(data) };
  return new Tensor({ kind: 'constant', value, types: [{ dtype: value.dtype, shape }] });
}

/** A tensor with fixed values, as `constant`; the shape of a plain list is its length. */
export function tensor(values: TypedArray | readonly number[], shape?: readonly number[], dtype?: DType): Tensor {
  return constant(values, shape ?? [values.length], dtype);
}

/** A placeholder whose values are given when the compiled graph runs. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  return new Tensor({ kind: 'input', name, types: [{ dtype, shape }] });
}

/** A trainable tensor, zero until it is initialized or loaded. */
export function parameter(...shape: number[]): Tensor {
  return stateTensor(shape, true);
}

/** A tensor that is saved with a model and not trained, such as running statistics. */
export function buffer(...shape: number[]): Tensor {
  return stateTensor(shape, false);
}

function stateTensor(shape: readonly number[], requiresGrad: boolean): Tensor {
  const data = allocate('float32', Number(sizeOf(shape)));
  const storage: HostTensor = { dtype: 'float32', dims: shape, data };
  return new Tensor({ kind: 'parameter', types: [{ dtype: 'float32', shape }], storage, requiresGrad });
}

function hostData(values: TypedArray | readonly number[], shape: readonly number[], dtype?: DType): TypedArray {
  const wanted = shape.reduce((n, d) => n * d, 1);
  if (values.length !== wanted)
    throw new ShapeError('tensor', `${values.length} values do not fill the shape ${formatShape(shape)}`);
  if (!Array.isArray(values)) {
    if (dtype && !holds(dtype, values as TypedArray))
      throw new ShapeError('tensor', `${values.constructor.name} does not hold ${dtype}`);
    return values as TypedArray;
  }
  const data = allocate(dtype ?? 'float32', wanted);
  for (let i = 0; i < wanted; i++) data[i] = (dtype === 'int64' ? BigInt(values[i]) : values[i]) as never;
  return data;
}

function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint32Array) return 'uint32';
  if (data instanceof Uint8Array) return 'uint8';
  throw new TypeError('say the dtype: a Uint16Array may hold float16 bits');
}
