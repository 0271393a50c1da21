import { ShapeError } from './errors.ts';
import type { Node, OpNode } from './node.ts';
import type { OpAttributes, OpName, OpTable } from './ops/table.ts';
import type { Tensor } from './tensor.ts';

let table: OpTable | undefined;

/** Called once by the op table; keeps this file free of a dependence on the rules, which are written with tensors. */
export function installOps(ops: OpTable): void {
  table = ops;
}

/** The rule of an operation. */
export function ruleOf<P extends OpName>(op: P): OpTable[P] {
  return table![op];
}

type Make = (node: Node, index: number) => Tensor;
let make: Make | undefined;

/** Called once by the class: its methods apply operations, and operations make tensors. */
export function installTensor(construct: Make): void {
  make = construct;
}

/** The tensor of a node's output. */
export function outputOf(node: Node, index = 0): Tensor {
  return make!(node, index);
}

/** Applies an operation; its shape rule runs now, so a mismatch throws at the line that caused it. */
export function applyAll<P extends OpName>(op: P, inputs: readonly Tensor[], attrs: OpAttributes[P]): Tensor[] {
  const types = ruleOf(op).shape(inputs, attrs);
  const node: OpNode<P> = { kind: 'op', op, inputs, attrs, types };
  return types.map((_, i) => outputOf(node as unknown as OpNode, i));
}

export function apply<P extends OpName>(op: P, inputs: readonly Tensor[], attrs: OpAttributes[P]): Tensor {
  return applyAll(op, inputs, attrs)[0]!;
}

/** An axis counted from the front. @throws ShapeError naming the operation. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank)
    throw new ShapeError(op, `axis ${axis} is out of range for rank ${rank}`);
  return normal;
}

/** Distinct axes in order; all where none are given. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis(op, axis, rank));
  return [...new Set(list)].sort((a, b) => a - b);
}
