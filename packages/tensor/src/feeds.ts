import type { HostTensor } from './backend/backend.ts';
import { formatShape, type Shape, SymbolicDim } from './dim.ts';
import type { DType } from './dtype.ts';
import { ShapeError } from './errors.ts';
import { input, type Tensor } from './tensor.ts';

/** The shape and type of a graph's input; symbolic sizes are free. */
export interface InputSpec {
  readonly shape: Shape;
  /** Default float32. */
  readonly dtype?: DType;
}

export type InputSpecs = Readonly<Record<string, InputSpec>>;
export type Inputs<I> = { readonly [K in keyof I]: Tensor };
export type Feeds<I> = { readonly [K in keyof I]: HostTensor };

export function placeholders<I extends InputSpecs>(specs: I): Inputs<I> {
  const entries = Object.entries(specs).map(([name, spec]) => [name, input(name, spec.shape, spec.dtype)]);
  return Object.fromEntries(entries) as Inputs<I>;
}

/** The feeds in the order of the specs. @throws ShapeError naming the input that is missing or does not fit. */
export function orderFeeds<I extends InputSpecs>(specs: I, feeds: Feeds<I>): HostTensor[] {
  const symbols = new Map<string, { size: number; input: string }>();
  return planOf(specs).map((input) => {
    const { name, dtype, axes } = input;
    const feed = feeds[name];
    if (!feed) throw new ShapeError('run', `the input '${name}' is missing`);
    if (feed.dtype !== dtype || feed.dims.length !== axes.length) throw misfit(input, feed);
    for (let axis = 0; axis < axes.length; axis++) {
      const size = feed.dims[axis]!;
      const dim = axes[axis]!;
      if (dim === null) continue;
      if (typeof dim === 'number') {
        if (dim !== size) throw misfit(input, feed);
        continue;
      }
      const known = symbols.get(dim);
      if (!known) symbols.set(dim, { size, input: name });
      else if (known.size !== size) throw misfit(input, feed, `, and ${dim} is ${known.size} in '${known.input}'`);
    }
    return feed;
  });
}

interface PlannedInput {
  readonly name: string;
  readonly spec: InputSpec;
  readonly dtype: DType;
  /** Of each axis its size, its symbol, or null where it is computed from symbols. */
  readonly axes: readonly (number | string | null)[];
}

/** Looked up once for each graph: a decoder's step has thirty inputs and is there in a few milliseconds. */
const plans = new WeakMap<InputSpecs, readonly PlannedInput[]>();

function planOf(specs: InputSpecs): readonly PlannedInput[] {
  const known = plans.get(specs);
  if (known) return known;
  const plan = Object.entries(specs).map(([name, spec]): PlannedInput => {
    const axes = spec.shape.map((dim) => (typeof dim === 'number' ? dim : isSymbol(dim) ? `${dim}` : null));
    return { name, spec, dtype: spec.dtype ?? 'float32', axes };
  });
  plans.set(specs, plan);
  return plan;
}

function misfit({ name, spec, dtype }: PlannedInput, feed: HostTensor, why: string = ''): ShapeError {
  const expected = `${dtype} ${formatShape(spec.shape)}`;
  return new ShapeError(
    'run',
    `the input '${name}' is ${feed.dtype} [${feed.dims.join(', ')}], expected ${expected}${why}`,
  );
}

const isSymbol = (dim: unknown): boolean => dim instanceof SymbolicDim && /^\w+$/.test(`${dim}`);
