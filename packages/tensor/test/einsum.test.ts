import { einsum, type Tensor, tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import fc from 'fast-check';

/** The sum over all letters in plain loops. */
function loops(terms: readonly string[], output: string, operands: readonly (readonly number[])[]): number[] {
  const letters = [...new Set(terms.join(''))];
  const result = new Map<number, number>();
  const offset = (term: string, at: ReadonlyMap<string, number>): number =>
    [...term].reduce((sum, letter) => sum * sizeOf(letter) + at.get(letter)!, 0);
  const visit = (rest: readonly string[], at: Map<string, number>): void => {
    const [letter, ...more] = rest;
    if (letter === undefined) {
      const product = terms.reduce((value, term, i) => value * operands[i]![offset(term, at)]!, 1);
      result.set(offset(output, at), (result.get(offset(output, at)) ?? 0) + product);
    } else for (let i = 0; i < sizeOf(letter); i++) visit(more, new Map(at).set(letter, i));
  };
  visit(letters, new Map());
  return [...result].sort(([a], [b]) => a - b).map(([, value]) => value);
}

const sizeOf = (letter: string): number => ({ a: 2, b: 3, c: 2, d: 3, e: 1 })[letter]!;

describe('einsum', () => {
  it('is the sum of products over the letters that the output lacks', () => {
    const term = fc
      .array(fc.constantFrom(...'abcde'), { minLength: 1, maxLength: 4 })
      .map((letters) => letters.join(''));
    const equation = fc.array(term, { minLength: 1, maxLength: 3 }).chain((terms) => {
      const letters = [...new Set(terms.join(''))];
      return fc.tuple(fc.constant(terms), fc.shuffledSubarray(letters));
    });
    return fc.assert(
      fc.asyncProperty(equation, async ([terms, letters]) => {
        const output = letters.join('');
        const values = terms.map((t, i) => {
          const size = [...t].reduce((n, letter) => n * sizeOf(letter), 1);
          return Array.from({ length: size }, (_, at) => Math.fround(Math.sin(at * 1.3 + i)));
        });
        const operands = terms.map((t, i): Tensor => tensor(values[i]!, [...t].map(sizeOf)));
        const result = await einsum(`${terms.join(',')}->${output}`, ...operands).data();
        expect(result as Float32Array).to.be.allclose(loops(terms, output, values), { atol: 1e-4, rtol: 1e-4 });
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});
