import { apply } from '../apply.ts';
import { type Dim, formatShape, sameDim } from '../dim.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { eye } from './arrange.ts';
import type { Rules, TensorType } from './rule.ts';
import { FLOATS, wantType } from './wants.ts';

export interface EinsumOps {
  /** One string of letters per operand, each letter once; letters that the output lacks are summed over. */
  einsum: { terms: readonly string[]; output: string };
}

/** The size of every letter. */
function sizesOf(terms: readonly string[], operands: readonly TensorType[]): Map<string, Dim> {
  const sizes = new Map<string, Dim>();
  for (const [i, term] of terms.entries())
    for (const [axis, letter] of [...term].entries()) {
      const size = operands[i]!.shape[axis]!;
      const known = sizes.get(letter) ?? 1;
      if (known !== 1 && size !== 1 && !sameDim(known, size))
        throw new ShapeError(
          'einsum',
          `'${letter}' is ${known} and ${size} in '${terms.join(',')}' of ${operands.map((t) => formatShape(t.shape)).join(', ')}`,
        );
      sizes.set(letter, known === 1 ? size : known);
    }
  return sizes;
}

export const einsumRules: Rules<EinsumOps> = {
  einsum: {
    shape: (inputs, { terms, output }) => {
      for (const x of inputs) wantType('einsum', x, FLOATS);
      const sizes = sizesOf(terms, inputs);
      return [{ dtype: 'float32', shape: [...output].map((letter) => sizes.get(letter)!) }];
    },
    // The gradient of one operand is the sum of products of the output's gradient and the other operands.
    gradient: ({ inputs, attrs: { terms, output }, grads: [g], wanted }) =>
      inputs.map((x, i) => {
        if (!wanted[i]) return null;
        const letters = [...terms[i]!];
        const others = terms.filter((_, j) => j !== i);
        const found = letters.filter((letter) => [output, ...others].some((term) => term.includes(letter)));
        const operands = [g!, ...inputs.filter((_, j) => j !== i)];
        const product = apply('einsum', operands, { terms: [output, ...others], output: found.join('') });
        const shape = letters.map((letter, axis) => (found.includes(letter) ? x.dim(axis) : 1));
        return product.reshape(shape).expand(x.shape);
      }),
    lower: (g, { names, attrs: { terms, output } }) => [
      g.op('Einsum', names, { equation: `${terms.join(',')}->${output}` }),
    ],
  },
};

/**
 * Einstein's summation convention, as in `torch.einsum`: `einsum('bld,bsd->bls', q, k)`. A letter names an axis; operands are
 * multiplied where letters agree (a size of 1 broadcasts) and summed over letters that the output lacks. '...' stands for any
 * further axes, which broadcast. A letter that occurs twice in one operand takes its diagonal. Without '->', the output has '...' and
 * the letters that occur once, in alphabetical order.
 * @throws ShapeError naming the letter or the operand that does not fit.
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  const { terms, output } = parse(equation, operands);
  const parts = terms.map((term, i) => diagonals(operands[i]!, term));
  const sizes = sizesOf(
    parts.map((part) => part.term),
    parts.map((part) => part.x),
  );
  const factors = parts.map(({ x, term }) => {
    // A size of 1 that broadcasts adds nothing to a product.
    const kept = [...term].flatMap((letter, axis) => (x.dim(axis) === 1 && sizes.get(letter) !== 1 ? [] : [axis]));
    return { x: x.reshape(kept.map((axis) => x.dim(axis))), term: kept.map((axis) => term[axis]).join('') };
  });
  return apply(
    'einsum',
    factors.map((factor) => factor.x),
    { terms: factors.map((factor) => factor.term), output },
  );
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
function diagonals(x: Tensor, term: string): { x: Tensor; term: string } {
  const twice = [...term].find((letter, i) => term.indexOf(letter) !== i);
  if (twice === undefined) return { x, term };
  const [first, second] = [term.indexOf(twice), term.lastIndexOf(twice)];
  if (!sameDim(x.dim(first), x.dim(second)))
    throw new ShapeError(
      'einsum',
      `'${twice}' is ${x.dim(first)} and ${x.dim(second)} in '${term}' of ${formatShape(x.shape)}`,
    );
  const shape = x.shape.map((dim, i) => (i === first || i === second ? dim : 1));
  const on = eye(x.dim(first), x.dim(second), 'bool').reshape(shape);
  const diagonal = on.where(x, 0).sum(second);
  return diagonals(diagonal, term.slice(0, second) + term.slice(second + 1));
}
