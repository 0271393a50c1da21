import type { Shape } from '../dim.ts';
import type { DType } from '../dtype.ts';
import type { Lowering } from '../lowering/lowering.ts';
import type { Tensor } from '../tensor.ts';

/** The shape and element type of a tensor. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** No attributes. */
export type None = Readonly<Record<never, never>>;

export interface GradientArgs<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: A;
  /** One per output; null where nothing depends on that output. At least one is a tensor. */
  readonly grads: readonly (Tensor | null)[];
  /** One per input: whether its gradient is wanted. */
  readonly wanted: readonly boolean[];
}

export interface LowerArgs<A> {
  readonly inputs: readonly Tensor[];
  readonly names: readonly string[];
  readonly attrs: A;
  readonly outputs: readonly TensorType[];
}

/** The types of the outputs; throws ShapeError on misuse. */
export type ShapeRule<A> = (inputs: readonly TensorType[], attrs: A) => readonly TensorType[];

/** An operation with a gradient and an ONNX lowering of its own. */
export interface PrimitiveRule<A> {
  readonly shape: ShapeRule<A>;
  /** One per input; null where the input has no gradient (integers, or not wanted). 'none': integer or piecewise constant. */
  readonly gradient: ((args: GradientArgs<A>) => readonly (Tensor | null)[]) | 'none';
  /** Writes ONNX nodes; returns one value name per output. */
  readonly lower: (g: Lowering, args: LowerArgs<A>) => readonly string[];
  readonly channelsLast?: ChannelsLast<A>;
}

/** How an operation works on images that lie as [H, W, N, C] in memory; shapes in `args` stay those of [N, C, H, W]. */
export interface ChannelsLast<A> {
  /** Which inputs and outputs are images. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Whether to use it. `given`: some image already lies that way. */
  readonly when: (g: Lowering, args: LowerArgs<A>, given: boolean) => boolean;
  /** As `lower`, with images in [H, W, N, C]. */
  readonly lower: (g: Lowering, args: LowerArgs<A>) => readonly string[];
}

/**
 * An operation that is written with others. Gradients go through `expand`; where nothing was differentiated,
 * `lower` (a fused kernel) is used, if there is one.
 */
export interface CompositeRule<A> {
  readonly shape: ShapeRule<A>;
  readonly expand: (inputs: readonly Tensor[], attrs: A) => readonly Tensor[];
  readonly lower?: (g: Lowering, args: LowerArgs<A>) => readonly string[];
  readonly channelsLast?: ChannelsLast<A>;
}

export type OpRule<A> = PrimitiveRule<A> | CompositeRule<A>;
export type Rules<Ops> = { readonly [P in keyof Ops]: OpRule<Ops[P]> };
