import type { DType, TypedArray } from '../dtype.ts';

/** The part of ONNX's ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) that Rivulet writes. */
export interface OnnxModel {
  readonly graph: OnnxGraph;
  /** Domain ('' is ONNX's own) → version. */
  readonly opsets: Readonly<Record<string, number>>;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
}

export interface OnnxNode {
  readonly opType: string;
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** An attribute says its kind, because JavaScript has one number type and ONNX has two. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly tensor: OnnxTensor }
  | { readonly graph: OnnxGraph };

export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  /** A string names a symbolic size. Absent: the shape is left to the runtime's inference. */
  readonly dims?: readonly (number | string)[];
}

export interface OnnxTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
  /** The data does not stand in the model, but in what has this name: a file, or memory that the session is given. */
  readonly location?: string;
  /** Where it begins there, bytes. Default 0. */
  readonly offset?: number;
}
