import { expect } from 'chai';
import fc from 'fast-check';
import { argmax, logSumExp, topPositions } from '../src/index.ts';

const finite = fc.float({ min: -50, max: 50, noNaN: true });

describe('scores', () => {
  it('logSumExp agrees with the plain sum and does not overflow', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 40 }), (xs) => {
        const values = Float32Array.from(xs);
        const plain = Math.log(values.reduce((sum, x) => sum + Math.exp(x), 0));
        expect(logSumExp(values)).to.be.closeTo(plain, 1e-9 * Math.max(1, Math.abs(plain)));
      }),
    );
    expect(logSumExp(Float32Array.of(1000, 1000))).to.be.closeTo(1000 + Math.log(2), 1e-9);
  });

  it('logSumExp takes -∞ as probability 0', () => {
    expect(logSumExp(Float32Array.of(Number.NEGATIVE_INFINITY, 2))).to.be.closeTo(2, 1e-13);
  });

  it('logSumExp names the token whose logit is NaN, wherever it stands', () => {
    for (const at of [0, 1, 2]) {
      const values = Float32Array.of(1, 5, 3);
      values[at] = Number.NaN;
      expect(() => logSumExp(values)).to.throw(RangeError, `NaN for token ${at}`);
    }
  });

  it('logSumExp rejects logits without a largest finite one', () => {
    expect(() => logSumExp(Float32Array.of(Number.POSITIVE_INFINITY, 0))).to.throw(RangeError, 'Infinity');
    expect(() => logSumExp(new Float32Array(3).fill(Number.NEGATIVE_INFINITY))).to.throw(RangeError, '-Infinity');
  });

  it('argmax gives the first of the largest', () => {
    expect(argmax(Float32Array.of(1, 3, 3, 2))).to.equal(1);
  });

  it('topPositions gives what a stable full sort would', () => {
    const few = fc.integer({ min: -3, max: 3 }); // few values: many ties
    fc.assert(
      fc.property(fc.array(few, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 35 }), (xs, count) => {
        const sorted = [...xs.keys()].sort((a, b) => xs[b]! - xs[a]! || a - b).slice(0, count);
        expect(topPositions(Float32Array.from(xs), count)).to.deep.equal(sorted);
      }),
    );
  });
});
