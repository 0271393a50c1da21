import type { HostTensor, ResultShape } from './backend/backend.ts';
import { evaluateDim, type Shape, SymbolicDim } from './dim.ts';
import type { InputSpecs } from './feeds.ts';
import { inputsOf, resolve, topological } from './graph.ts';
import type { NamedTensor } from './lowering/lower.ts';
import type { OpNode, Tensor } from './tensor.ts';

/** What a run writes: per output a tensor that was given, the shape of one to make, or null where it is not known before. */
export interface Places {
  readonly places: readonly (HostTensor | ResultShape | null)[];
  /** The outputs with their names and shapes, from what the session gave back. */
  readonly results: (made: readonly HostTensor[]) => [string, HostTensor][];
}

interface Output {
  readonly name: string;
  /** As its user sees it. */
  readonly shape: Shape;
  /** What the session computes: the same values. */
  readonly computed: Tensor;
}

/** What the outputs of a run with these symbols' sizes have. */
interface Sizes {
  readonly symbols: readonly number[];
  /** As their user sees them. */
  readonly shapes: readonly (readonly number[])[];
  /** As the session computes them. */
  readonly computed: readonly ResultShape[];
}

/**
 * Where the outputs of a graph lie. The sizes of most are known before a run, so that the runtime writes them where they are read:
 * of 37 MB of logits, copying them took 7 to 14 ms of a run of 108 to 141. For the same reason a reshape that an output ends with is
 * left out of the graph, where it would be one more copy (5 ms), and only changes the sizes that are given back.
 */
export class OutputPlaces {
  readonly #outputs: readonly Output[];
  /** Whether the shapes that were traced are those that a run finds. */
  readonly #exact: boolean;
  readonly #symbols: readonly { readonly name: string; readonly input: string; readonly axis: number }[];
  /** Those of the run before: the next often has the same. */
  #sizes: Sizes | undefined;
  /** Given tensors with the sizes that the session knows them by: one each, since a tensor that comes again is bound already. */
  readonly #given = new WeakMap<HostTensor, HostTensor>();

  /** @param kept names of outputs that stay as they are. */
  constructor(specs: InputSpecs, outputs: readonly NamedTensor[], kept: readonly string[] = []) {
    this.#symbols = Object.entries(specs).flatMap(([input, { shape }]) =>
      shape.flatMap((dim, axis) => (dim instanceof SymbolicDim ? [{ name: `${dim}`, input, axis }] : [])),
    );
    const known = new Set(this.#symbols.map(({ name }) => name));
    this.#exact = outputs.every(({ tensor }) => symbolsOf(tensor.shape).every((s) => known.has(s)) && !isCut(tensor));
    this.#outputs = outputs.map(({ name, tensor }) => ({
      name,
      shape: tensor.shape,
      computed: this.#exact && !kept.includes(name) ? beforeReshape(tensor) : tensor,
    }));
  }

  /** What the session has to compute. */
  get computed(): NamedTensor[] {
    return this.#outputs.map(({ name, computed }) => ({ name, tensor: computed }));
  }

  /** @throws RangeError where a given tensor has another shape than the output. */
  of(feeds: Readonly<Record<string, HostTensor>>, into: Readonly<Record<string, HostTensor | undefined>> = {}): Places {
    if (!this.#exact) {
      const places = this.#outputs.map(({ name }) => into[name] ?? null);
      return { places, results: (made) => this.#outputs.map(({ name }, i) => [name, made[i]!]) };
    }
    const { shapes, computed } = this.#sizesFor(feeds);
    const places = this.#outputs.map(({ name, shape, computed: { shape: own } }, i) => {
      const given = into[name];
      if (!given) return computed[i]!;
      if (!sameSizes(given.dims, shapes[i]!))
        throw new RangeError(`output '${name}' has the shape [${shapes[i]}], the tensor for it [${given.dims}]`);
      return shape === own ? given : this.#renamed(given, computed[i]!.dims);
    });
    return {
      places,
      results: (made) => this.#outputs.map(({ name }, i) => [name, into[name] ?? { ...made[i]!, dims: shapes[i]! }]),
    };
  }

  #sizesFor(feeds: Readonly<Record<string, HostTensor>>): Sizes {
    const symbols = this.#symbols.map(({ input, axis }) => feeds[input]!.dims[axis]!);
    if (this.#sizes && sameSizes(this.#sizes.symbols, symbols)) return this.#sizes;
    const values = new Map(this.#symbols.map(({ name }, i) => [name, symbols[i]!]));
    const sizes = (shape: Shape): number[] => shape.map((dim) => evaluateDim(dim, values));
    this.#sizes = {
      symbols,
      shapes: this.#outputs.map(({ shape }) => sizes(shape)),
      computed: this.#outputs.map(({ computed: { dtype, shape } }) => ({ dtype, dims: sizes(shape) })),
    };
    return this.#sizes;
  }

  #renamed(given: HostTensor, dims: readonly number[]): HostTensor {
    const known = this.#given.get(given);
    if (known && sameSizes(known.dims, dims)) return known;
    const renamed = { ...given, dims };
    this.#given.set(given, renamed);
    return renamed;
  }
}

const sameSizes = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i]);

const symbolsOf = (shape: Shape): string[] =>
  shape
    .flatMap((dim) => (typeof dim === 'number' ? [] : [...dim.terms.keys()].flatMap((term) => term.split('*'))))
    .filter(Boolean);

function beforeReshape(tensor: Tensor): Tensor {
  let t = resolve(tensor);
  while (t.node.kind === 'op' && t.node.op === 'reshape') t = inputsOf(t.node)[0]!;
  return t;
}

/**
 * Whether some slice ends at a fixed place of an axis whose size is symbolic. The axis may turn out to be shorter: then the slice is
 * shorter too, and shapes behind it differ from those that were traced.
 */
function isCut(root: Tensor): boolean {
  return topological([root]).some((node) => {
    if (node.kind !== 'op' || node.op !== 'slice') return false;
    const { axis, start, end } = (node as unknown as OpNode<'slice'>).attrs;
    const fixed = start !== 0 || (end !== null && end >= 0);
    return fixed && typeof inputsOf(node)[0]!.shape[axis] !== 'number';
  });
}
