import { expect } from 'chai';
import { sampleToken, uniformSource } from '../src/index.ts';
import { logSoftmax } from './support/table-model.ts';

const logits = Float32Array.of(2, 1, 0.5, 0, -1, -2);
const plain = { temperature: 1, topK: 0, topP: 1 };

/** How often each token comes in n draws. */
function draw(n: number, options: typeof plain, seed = 7): number[] {
  const uniform = uniformSource(seed);
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < n; i++) counts[sampleToken(logits, options, uniform)]!++;
  return counts;
}

/** Pearson's statistic; tokens with probability 0 must not occur. */
function chiSquare(counts: readonly number[], probabilities: readonly number[]): number {
  const n = counts.reduce((a, b) => a + b);
  return counts.reduce((sum, count, i) => {
    const expected = n * probabilities[i]!;
    if (expected === 0) return count === 0 ? sum : Number.POSITIVE_INFINITY;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

/** Probabilities of the tokens in `kept`, rescaled to 1. */
function among(kept: readonly number[], temperature = 1): number[] {
  const p = logSoftmax(logits.map((x) => x / temperature)).map((x, i) => (kept.includes(i) ? Math.exp(x) : 0));
  const total = p.reduce((a, b) => a + b);
  return p.map((x) => x / total);
}

const LIMIT = 20.52; // chi-square, 5 degrees of freedom, p = 0.001; the seed is fixed, so the tests always give the same

describe('sampleToken', () => {
  const all = [0, 1, 2, 3, 4, 5];
  it('draws by the softmax', () => {
    expect(chiSquare(draw(20_000, plain), among(all))).to.be.below(LIMIT);
  });

  it('draws by the softmax of the logits over the temperature', () => {
    const counts = draw(20_000, { ...plain, temperature: 2 });
    expect(chiSquare(counts, among(all, 2))).to.be.below(LIMIT);
    expect(chiSquare(counts, among(all))).to.be.above(LIMIT);
  });

  it('keeps the topK likeliest', () => {
    expect(chiSquare(draw(20_000, { ...plain, topK: 3 }), among([0, 1, 2]))).to.be.below(LIMIT);
  });

  it('keeps the fewest tokens that reach topP', () => {
    const [first, second] = among(all) as [number, number];
    expect(chiSquare(draw(20_000, { ...plain, topP: first + second - 0.001 }), among([0, 1]))).to.be.below(LIMIT);
    expect(chiSquare(draw(20_000, { ...plain, topP: first + second + 0.001 }), among([0, 1, 2]))).to.be.below(LIMIT);
  });

  it('measures topP on what topK left', () => {
    const [first] = among([0, 1]) as [number];
    expect(draw(100, { ...plain, topK: 2, topP: first - 0.001 })).to.deep.equal([100, 0, 0, 0, 0, 0]);
  });

  it('never draws a token of probability 0', () => {
    const barred = Float32Array.of(Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY);
    for (const u of [0, 0.5, 1 - 2 ** -32]) expect(sampleToken(barred, plain, () => u)).to.equal(1);
  });

  it('gives the same draws for the same seed and others for another', () => {
    const ten = (seed: number): number[] => {
      const uniform = uniformSource(seed);
      return Array.from({ length: 10 }, uniform);
    };
    expect(ten(3)).to.deep.equal(ten(3));
    expect(ten(3)).to.not.deep.equal(ten(4));
    for (const u of ten(3)) expect(u).to.be.within(0, 1 - 2 ** -32);
  });
});
