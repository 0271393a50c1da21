import type { HostTensor } from './backend/backend.ts';
import type { TensorType } from './ops/rule.ts';
import type { OpAttributes, OpName } from './ops/table.ts';
import type { Tensor } from './tensor.ts';

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
  /** Saved with a model and never trained. */
  readonly isBuffer: boolean;
  /** Whether training changes it; a buffer is never asked. */
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
