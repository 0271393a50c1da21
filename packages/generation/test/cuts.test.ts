import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { keptTokens, sampleToken, uniformSource } from '../src/index.ts';

interface Case {
  readonly options: Readonly<Record<string, number>>;
  readonly logits: readonly number[];
  readonly kept: readonly number[];
  readonly probabilities: readonly number[];
}

/** Of tools/reference/sampling_fixtures.py. */
const cases = JSON.parse(readFileSync(new URL('./fixtures/cuts.json', import.meta.url), 'utf8')) as Case[];
const off = { temperature: 1, topK: 0, topP: 1 };

describe('the cuts before sampling', () => {
  for (const [i, { options, logits, kept, probabilities }] of cases.entries())
    it(`keep what Hugging Face's warpers keep: ${JSON.stringify(options)}, ${i}`, () => {
      const found = keptTokens(Float32Array.from(logits), { ...off, ...options });
      const total = found.weights.reduce((a, b) => a + b);
      expect(Array.from(found.ids ?? logits.keys())).to.deep.equal(kept);
      for (const [j, p] of probabilities.entries()) expect(found.weights[j]! / total).to.be.closeTo(p, 2e-6);
    });

  it('draw each kept token as often as its probability says', () => {
    const { options, logits, kept, probabilities } = cases.at(-3)!;
    const uniform = uniformSource(11);
    const counts = new Map<number, number>();
    const row = Float32Array.from(logits);
    const draws = 20_000;
    for (let i = 0; i < draws; i++) {
      const id = sampleToken(row, { ...off, ...options }, uniform);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect([...counts.keys()].every((id) => kept.includes(id))).to.equal(true);
    let chiSquare = 0;
    for (const [i, id] of kept.entries()) {
      const wanted = draws * probabilities[i]!;
      chiSquare += ((counts.get(id) ?? 0) - wanted) ** 2 / wanted;
    }
    // Wilson and Hilferty's approximation of the 0.999 quantile.
    const freedom = kept.length - 1;
    expect(chiSquare).to.be.below(freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3);
  });

  it('never leave nothing, whatever they are', () => {
    const part = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    const options = fc.record({
      temperature: fc.double({ min: 0.1, max: 5, noNaN: true }),
      topK: fc.nat(6),
      topP: part,
      minP: part,
      typicalP: part,
      epsilonCutoff: part,
      etaCutoff: part,
    });
    const logits = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(logits, options, (row, cut) => {
        expect(keptTokens(Float32Array.from(row), cut).weights.length).to.be.above(0);
      }),
    );
  });
});
