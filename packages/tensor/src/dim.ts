/**
 * A size that is known only when the graph runs: a polynomial over named sizes, such as `B`, `S + 1` or `B*L`.
 * Shape rules compute with it; a graph compiled with symbolic sizes serves every size.
 */
export class SymbolicDim {
  /** Monomial (names sorted, joined by '*'; '' for the constant) → coefficient; never zero. */
  readonly terms: ReadonlyMap<string, number>;
  readonly #text: string;

  constructor(terms: ReadonlyMap<string, number>) {
    this.terms = terms;
    const sorted = [...terms].sort(([a], [b]) => (a < b ? 1 : -1)); // the constant last
    this.#text = sorted.map(([names, k]) => (names === '' ? `${k}` : k === 1 ? names : `${k}*${names}`)).join(' + ');
  }

  toString(): string {
    return this.#text;
  }
}

export type Dim = number | SymbolicDim;
export type Shape = readonly Dim[];

/** A named size, equal to every other of that name in the same graph. */
export function symbol(name: string): SymbolicDim {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw new TypeError(`a symbolic size needs a name like 'B', got '${name}'`);
  return new SymbolicDim(new Map([[name, 1]]));
}

const termsOf = (dim: Dim): ReadonlyMap<string, number> => (typeof dim === 'number' ? new Map([['', dim]]) : dim.terms);

function fromTerms(terms: Map<string, number>): Dim {
  for (const [names, k] of terms) if (k === 0) terms.delete(names);
  if (terms.size === 0) return 0;
  const constant = terms.get('');
  return terms.size === 1 && constant !== undefined ? constant : new SymbolicDim(terms);
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = new Map(termsOf(a));
  for (const [names, k] of termsOf(b)) sum.set(names, (sum.get(names) ?? 0) + k);
  return fromTerms(sum);
}

export function mulDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  const product = new Map<string, number>();
  for (const [x, i] of termsOf(a))
    for (const [y, j] of termsOf(b)) {
      const names = [...x.split('*'), ...y.split('*')].filter(Boolean).sort().join('*');
      product.set(names, (product.get(names) ?? 0) + i * j);
    }
  return fromTerms(product);
}

/** a / b where it is exact, else undefined. `b` must be a number or a single monomial. */
export function divDims(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === 'number' && typeof b === 'number') return b !== 0 && a % b === 0 ? a / b : undefined;
  if (sameDim(a, b)) return 1;
  const divisor = [...termsOf(b)];
  const [names, k] = divisor[0] ?? ['', 0];
  if (divisor.length !== 1 || k === 0) return undefined;
  const quotient = new Map<string, number>();
  for (const [term, i] of termsOf(a)) {
    const rest = term.split('*').filter(Boolean);
    for (const name of names.split('*').filter(Boolean)) {
      const at = rest.indexOf(name);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    if (i % k !== 0) return undefined;
    quotient.set(rest.join('*'), i / k);
  }
  return fromTerms(quotient);
}

export function sameDim(a: Dim, b: Dim): boolean {
  return typeof a === 'number' || typeof b === 'number' ? a === b : a.toString() === b.toString();
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]!));
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The number of elements. */
export function sizeOf(shape: Shape): Dim {
  return shape.reduce<Dim>(mulDims, 1);
}

/** @throws TypeError where a size is symbolic. */
export function staticShape(shape: Shape, what: string): number[] {
  return shape.map((dim) => {
    if (typeof dim !== 'number') throw new TypeError(`${what} needs fixed sizes, got ${formatShape(shape)}`);
    return dim;
  });
}

/** Replaces symbols by numbers. @throws RangeError naming a symbol that has no value. */
export function evaluateDim(dim: Dim, values: ReadonlyMap<string, number>): number {
  if (typeof dim === 'number') return dim;
  let total = 0;
  for (const [names, k] of dim.terms) {
    let product = k;
    for (const name of names.split('*').filter(Boolean)) {
      const value = values.get(name);
      if (value === undefined) throw new RangeError(`the symbolic size ${name} has no value: no input carries it`);
      product *= value;
    }
    total += product;
  }
  return total;
}

/** Two shapes broadcast as in NumPy. A symbolic size meets itself or 1. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (sameDim(x, y) || y === 1) out.push(x);
    else if (x === 1) out.push(y);
    else return undefined;
  }
  return out;
}
