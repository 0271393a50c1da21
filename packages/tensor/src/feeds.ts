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
  return Object.entries(specs).map(([name, { shape, dtype = 'float32' }]) => {
    const feed = feeds[name];
    if (!feed) throw new ShapeError('run', `the input '${name}' is missing`);
    const fail = (why: string): never => {
      throw new ShapeError(
        'run',
        `the input '${name}' is ${feed.dtype} [${feed.dims.join(', ')}], expected ${dtype} ${formatShape(shape)}${why}`,
      );
    };
    if (feed.dtype !== dtype || feed.dims.length !== shape.length) fail('');
    shape.forEach((dim, axis) => {
      const size = feed.dims[axis]!;
      if (typeof dim === 'number' && dim !== size) fail('');
      if (!isSymbol(dim)) return;
      const known = symbols.get(`${dim}`);
      if (known && known.size !== size) fail(`, and ${dim} is ${known.size} in '${known.input}'`);
      symbols.set(`${dim}`, { size, input: name });
    });
    return feed;
  });
}

const isSymbol = (dim: unknown): boolean => dim instanceof SymbolicDim && /^\w+$/.test(`${dim}`);
