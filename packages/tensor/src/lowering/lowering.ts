import type { HostTensor } from '../backend/backend.ts';
import type { Shape } from '../dim.ts';
import type { DType } from '../dtype.ts';
import type { OnnxAttribute } from '../onnx/model.ts';
import type { Tensor } from '../tensor.ts';

/** Attributes of an ONNX node; a plain number is an int, a list of numbers ints, as most attributes are. */
export type NodeAttributes = Readonly<Record<string, number | readonly number[] | string | OnnxAttribute>>;

/** The domain of the runtime's own operators on images whose channels lie in blocks, [N, C/b, H, W, b]. */
export const BLOCKED = 'com.microsoft.nchwc';

/** A repeated part: per iteration `params` (any tensors) are given and `results` are computed from them. */
export interface Body {
  readonly params: readonly Tensor[];
  readonly results: readonly Tensor[];
}

/** The parts of a packed matrix, see packed-weights.ts. */
export interface PackedNames {
  readonly bits: number;
  readonly values: string;
  readonly scales: string;
}

/** What a lowering rule writes ONNX with. Values are named by strings. */
export interface Lowering {
  /** One node of one output. */
  op(opType: string, inputs: readonly string[], attributes?: NodeAttributes, domain?: string): string;
  /** One node of several outputs. */
  ops(count: number, opType: string, inputs: readonly string[], attributes?: NodeAttributes, domain?: string): string[];
  constant(value: HostTensor): string;
  /** A float32 scalar. */
  float(value: number): string;
  /** An int64 vector. */
  ints(values: readonly number[]): string;
  /** A scalar of any type. */
  scalar(value: number, dtype: DType): string;
  /** A shape as an int64 vector, computed at run time where it has symbolic sizes. */
  shape(shape: Shape): string;
  /** A weight matrix in whole numbers, where this graph stores it so. */
  packed(weight: Tensor): PackedNames | null;
  /** What `make` names, made once per model and key. */
  memo(key: string, make: () => string): string;
  /** The tile of Winograd's convolutions; 0: none, the plain sums. */
  readonly winograd: 0 | 2 | 4;
  /** Channels of a block in the runtime's own layout of images (see ops/conv-depthwise.ts); 0: it has none. */
  readonly channelBlock: number;
  /** A body as an ONNX subgraph attribute; what it captures is found in the graph around it. */
  subgraph(name: string, body: Body): OnnxAttribute;
}
