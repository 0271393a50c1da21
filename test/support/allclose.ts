import { Assertion, AssertionError, use } from 'chai';

declare global {
  namespace Chai {
    interface Assertion {
      /** Every number within atol + rtol·|expected|; NaN is close to nothing. */
      allclose(expected: ArrayLike<number | bigint>, tolerance?: { atol?: number; rtol?: number }): void;
    }
  }
}

use((chai) => {
  chai.Assertion.addMethod('allclose', function allclose(this: Chai.AssertionStatic, expected, tolerance = {}) {
    const actual = (this as unknown as { _obj: ArrayLike<number | bigint> })._obj;
    const { atol = 1e-6, rtol = 1e-5 } = tolerance as { atol?: number; rtol?: number };
    if (actual.length !== expected.length)
      throw new AssertionError(`expected ${expected.length} values, got ${actual.length}`);
    for (let i = 0; i < expected.length; i++) {
      const [a, e] = [Number(actual[i]), Number(expected[i])];
      if (a === e || Math.abs(a - e) <= atol + rtol * Math.abs(e)) continue;
      throw new AssertionError(`value ${i} is ${a}, expected ${e} within ${atol} + ${rtol}·|expected|`);
    }
  });
});

export { Assertion };
