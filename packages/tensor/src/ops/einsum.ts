import { type Dim, formatShape, type Shape, sameDim, sizeOf } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { eye } from './arrange.ts';
import { FLOATS, wantType } from './wants.ts';

/** A tensor whose axes have letters, each once. */
interface Named {
  readonly x: Tensor;
  readonly term: string;
}

/**
 * Einstein's summation convention, as in `torch.einsum`: `einsum('bld,bsd->bls', q, k)`. A letter names an axis; operands are
 * multiplied where letters agree (a size of 1 broadcasts) and summed over letters that the output lacks. '...' stands for any
 * further axes, which broadcast. A letter that occurs twice in one operand takes its diagonal. Without '->', the output has '...' and
 * the letters that occur once, in alphabetical order.
 * @throws ShapeError naming the letter or the operand that does not fit.
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  for (const x of operands) wantType('einsum', x, FLOATS);
  const { terms, output } = parse(equation, operands);
  const parts = terms.map((term, i) => diagonals({ x: operands[i]!, term }));
  const sizes = sizesOf(parts);
  const factors = parts.map((part) => withoutOnes(part, sizes));
  const product = factors.reduce((a, b, i) => {
    const later = [output, ...factors.slice(i + 1).map(({ term }) => term)].join('');
    return multiply(a, b, later);
  });
  const summed = sumOut(product, output);
  return permuted(summed.x, summed.term, output);
}

/** The size of every letter. */
function sizesOf(parts: readonly Named[]): Map<string, Dim> {
  const sizes = new Map<string, Dim>();
  for (const { x, term } of parts)
    for (const [axis, letter] of [...term].entries()) {
      const [size, known] = [x.dim(axis), sizes.get(letter) ?? 1];
      if (known !== 1 && size !== 1 && !sameDim(known, size)) {
        const [left, right] = [parts.map((part) => part.term), parts.map((part) => formatShape(part.x.shape))];
        throw new ShapeError('einsum', `'${letter}' is ${known} and ${size} in '${left}' of ${right.join(', ')}`);
      }
      sizes.set(letter, known === 1 ? size : known);
    }
  return sizes;
}

/** Leaves out axes of size 1 that broadcast: they add nothing to a product. */
function withoutOnes({ x, term }: Named, sizes: ReadonlyMap<string, Dim>): Named {
  const kept = [...term].flatMap((letter, axis) => (x.dim(axis) === 1 && sizes.get(letter) !== 1 ? [] : [axis]));
  if (kept.length === term.length) return { x, term };
  return { x: x.reshape(kept.map((axis) => x.dim(axis))), term: kept.map((axis) => term[axis]).join('') };
}

/** Sums over the letters that are not wanted. */
function sumOut({ x, term }: Named, wanted: string): Named {
  const axes = [...term].flatMap((letter, axis) => (wanted.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return { x, term };
  return { x: x.sum(axes), term: [...term].filter((letter) => wanted.includes(letter)).join('') };
}

function permuted(x: Tensor, from: string, to: string): Tensor {
  return from === to ? x : x.permute([...to].map((letter) => from.indexOf(letter)));
}

/** The product of two factors, summed over the letters that `later` lacks: a matrix product where it can be one. */
function multiply(a: Named, b: Named, later: string): Named {
  const left = sumOut(a, later + b.term);
  const right = sumOut(b, later + a.term);
  const both = [...left.term].filter((letter) => right.term.includes(letter));
  const batch = both.filter((letter) => later.includes(letter)).join('');
  const inner = both.filter((letter) => !later.includes(letter)).join('');
  const rows = [...left.term].filter((letter) => !both.includes(letter)).join('');
  const columns = [...right.term].filter((letter) => !both.includes(letter)).join('');
  if (inner === '' || (rows === '' && columns === '')) {
    const term = batch + inner + rows + columns;
    return sumOut({ x: spread(left, term).mul(spread(right, term)), term }, later);
  }
  const transposeA = rows.includes(left.term.at(-1)!);
  const transposeB = inner.includes(right.term.at(-1)!);
  const x = matrix(left, batch, transposeA ? [inner, rows] : [rows, inner]).matmul(
    matrix(right, batch, transposeB ? [columns, inner] : [inner, columns]),
    { transposeA, transposeB },
  );
  const sizes = (named: Named, letters: string): Shape =>
    [...letters].map((letter) => named.x.dim(named.term.indexOf(letter)));
  return {
    x: x.reshape([...sizes(left, batch + rows), ...sizes(right, columns)]),
    term: batch + rows + columns,
  };
}

/** [...batch, all of the first group, all of the second]. */
function matrix({ x, term }: Named, batch: string, [first, second]: [string, string]): Tensor {
  const ordered = permuted(x, term, batch + first + second);
  const groups = [ordered.shape.slice(0, batch.length), ordered.shape.slice(batch.length)] as const;
  const [rows, columns] = [groups[1].slice(0, first.length), groups[1].slice(first.length)];
  return ordered.reshape([...groups[0], sizeOf(rows), sizeOf(columns)]);
}

/** With an axis for every letter of `term`, of size 1 where the tensor has none. */
function spread({ x, term: own }: Named, term: string): Tensor {
  const kept = [...term].filter((letter) => own.includes(letter)).join('');
  const ordered = permuted(x, own, kept);
  return ordered.reshape([...term].map((letter) => (own.includes(letter) ? x.dim(own.indexOf(letter)) : 1)));
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The terms with letters for '...', and the output. */
function parse(equation: string, operands: readonly Tensor[]): { terms: string[]; output: string } {
  const fail = (why: string): never => {
    throw new ShapeError('einsum', `'${equation}': ${why}`);
  };
  const [left = '', right, ...more] = equation.replaceAll(' ', '').split('->');
  if (more.length > 0) fail("has more than one '->'");
  const terms = left.split(',');
  if (terms.length !== operands.length) fail(`has ${terms.length} terms for ${operands.length} operands`);
  for (const term of [...terms, right ?? ''])
    if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(term)) fail(`'${term}' may have letters and one '...' only`);

  const free = [...LETTERS].filter((letter) => !equation.includes(letter));
  const further = terms.map((term, i) => {
    const [letters, { rank, shape }] = [term.replace('...', '').length, operands[i]!];
    if (term.includes('...') ? letters > rank : letters !== rank)
      fail(`'${term}' has ${letters} letters for an operand of ${formatShape(shape)}`);
    return rank - letters;
  });
  const dots = free.slice(0, Math.max(...further));
  if (dots.length < Math.max(...further)) fail('there are not letters enough for its axes');
  const written = terms.map((term, i) => term.replace('...', dots.slice(dots.length - further[i]!).join('')));

  const letters = [...terms.join('').replaceAll('.', '')];
  const once = [...new Set(letters)].filter((x) => letters.indexOf(x) === letters.lastIndexOf(x)).sort();
  const output = (right ?? `...${once.join('')}`).replace('...', dots.join(''));
  for (const [i, letter] of [...output].entries()) {
    if (output.indexOf(letter) !== i) fail(`'${letter}' stands twice in the output`);
    if (!written.some((term) => term.includes(letter))) fail(`'${letter}' of the output is in no operand`);
  }
  return { terms: written, output };
}

/** Takes the diagonal of letters that occur twice. */
function diagonals({ x, term }: Named): Named {
  const twice = [...term].find((letter, i) => term.indexOf(letter) !== i);
  if (twice === undefined) return { x, term };
  const [first, second] = [term.indexOf(twice), term.lastIndexOf(twice)];
  const [rows, columns] = [x.dim(first), x.dim(second)];
  if (!sameDim(rows, columns))
    throw new ShapeError('einsum', `'${twice}' is ${rows} and ${columns} in '${term}' of ${formatShape(x.shape)}`);
  const on = eye(rows, columns, 'bool').reshape(x.shape.map((dim, i) => (i === first || i === second ? dim : 1)));
  return diagonals({ x: on.where(x, 0).sum(second), term: term.slice(0, second) + term.slice(second + 1) });
}
