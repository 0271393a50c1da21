import {
  allocate,
  apply,
  type BackendName,
  compile,
  gradients,
  type HostTensor,
  type InputSpec,
  iota,
  type SymbolicDim,
  scalar,
  symbol,
  Tensor,
  tensor,
  zeros,
} from '@rivulet/tensor';
import { expect } from 'chai';
import { gradcheck } from '../../../test/support/gradcheck.ts';
import { cases, rows, type Stored } from './op-rows.ts';

// fill() is the formula of tools/reference/torch_ops.py.
function fill(dims: readonly number[], phase: number, [low, high]: readonly number[] = [-1, 1]): HostTensor {
  const length = dims.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length }, (_, i) => low! + (high! - low!) * (0.5 + 0.5 * Math.sin(1.7 * i + phase)));
  return { dtype: 'float32', dims, data };
}

function host({ dims, dtype = 'float32', data }: Stored, i: number, range: readonly number[]): HostTensor {
  if (!data) return fill(dims, i, range);
  const values = allocate(dtype, data.length);
  data.forEach((value, at) => {
    values[at] = (dtype === 'int64' ? BigInt(value) : Number(value)) as never;
  });
  return { dtype, dims, data: values };
}

const listed = (result: Tensor | readonly Tensor[]): readonly Tensor[] =>
  result instanceof Tensor ? [result] : result;

describe('operations', () => {
  for (const {
    name,
    f,
    gradient = true,
    symbolic = true,
    differences = true,
    step,
    atol = 1e-6,
    rtol = 1e-5,
  } of rows) {
    const expected = cases[name]!;
    const given = expected.inputs.map((x, i) => host(x, i, expected.range));
    const differentiated = gradient && expected.gradients !== null;

    /** Outputs and gradients, from one graph. */
    const check = async (dimOf: (size: number) => number | SymbolicDim, backend?: BackendName): Promise<void> => {
      const specs: Record<string, InputSpec> = {};
      given.forEach(({ dims, dtype }, i) => {
        specs[`x${i}`] = { shape: dims.map(dimOf), dtype };
      });
      const graph = await compile(
        specs,
        (inputs) => {
          const xs = given.map((_, i) => inputs[`x${i}`]!);
          const ys = listed(f(...xs));
          const results = Object.fromEntries(ys.map((y, i) => [`y${i}`, y]));
          if (!differentiated) return results;
          const weights = fill(expected.outputs[0]!.dims, 9);
          const flat = ys[0]!.reshape([-1]);
          const loss = flat.mul(tensor(weights.data).gather(iota(flat.dim(0)))).sum(); // of symbolic sizes too
          const floats = xs.filter((x) => x.dtype === 'float32');
          const grads = gradients(loss, floats).map((g, i) => [`g${i}`, g] as const);
          return { ...results, ...Object.fromEntries(grads) };
        },
        { threads: 2, ...(backend ? { backend } : {}) },
      );
      try {
        const results = await graph.run(Object.fromEntries(given.map((x, i) => [`x${i}`, x])));
        expected.outputs.forEach(({ dims, dtype, data }, i) => {
          const y = results[`y${i}`]!;
          expect([y.dtype, ...y.dims]).to.deep.equal([dtype, ...dims]);
          expectClose(y, data, { atol, rtol });
        });
        if (differentiated)
          expected.gradients!.forEach((g, i) => {
            expectClose(results[`g${i}`]!, g, { atol: 1e-6, rtol: 1e-5 });
          });
      } finally {
        await graph.dispose();
      }
    };

    it(`${name}: PyTorch's values${differentiated ? ' and gradients' : ''}`, () => check((size) => size));
    for (const backend of ['node', 'wasm'] as const)
      it(`${name}: the same on the backend '${backend}'`, () => check((size) => size, backend));
    if (symbolic && expected.inputs.some(({ dims }) => dims.some((size) => size > 1)))
      it(`${name}: the same of symbolic sizes`, () => check((size) => (size > 1 ? symbol(`D${size}`) : size)));

    const floats = expected.inputs.filter(({ dtype = 'float32' }) => dtype === 'float32');
    if (differentiated && differences && floats.every(({ data }) => !data))
      it(`${name}: a gradient that equals finite differences`, () => {
        const constants = given.map((x) => (x.dtype === 'float32' ? null : tensor(x.data, x.dims, x.dtype)));
        const all = (xs: readonly Tensor[]): Tensor[] => {
          const rest = [...xs];
          return constants.map((c) => c ?? rest.shift()!);
        };
        const shapes = floats.map(({ dims }) => dims);
        const options = { shapes, range: expected.range, ...(step ? { step } : {}) };
        return gradcheck((...xs) => listed(f(...all(xs)))[0]!, options);
      });
  }

  it('take sizes that are smaller than what was written, or 0', async () => {
    const graph = await compile({ x: { shape: [symbol('N')] } }, ({ x }) => ({
      rolled: x.roll(7),
      back: x.roll(-4, 0),
      any: x.any(),
      all: x.all(),
      product: x.prod(),
      sorted: x.sort().values,
    }));
    const run = async (...values: number[]): Promise<(number | bigint)[][]> => {
      const x = { dtype: 'float32', dims: [values.length], data: Float32Array.from(values) } as const;
      return Object.values(await graph.run({ x })).map(({ data }) => [...(data as Iterable<number | bigint>)]);
    };
    expect(await run(3, 1, 2)).to.deep.equal([[2, 3, 1], [1, 2, 3], [1], [1], [6], [1, 2, 3]]);
    expect(await run(5)).to.deep.equal([[5], [5], [1], [1], [5], [5]]);
    expect(await run()).to.deep.equal([[], [], [0], [1], [1], []]);
    await graph.dispose();
  });

  it('take a number beside a large tensor that ends in axes of 1', async () => {
    const x = zeros([64, 65, 1, 1]).add(3);
    const results = [x.mul(2), scalar(1).sub(x), x.div(tensor([2])), x.mul(tensor([[4]]))].map((t) => t.data());
    for (const [i, expected] of [6, -2, 1.5, 12].entries()) {
      const data = (await results[i]!) as Float32Array;
      expect(data.length).to.equal(64 * 65);
      expect(data.every((value) => value === expected)).to.equal(true);
    }
  });

  it('attend by blocks, where queries see no later keys, as with a bias that hides these', async () => {
    const dims = [2, 2, 256, 8];
    const given = (phase: number): Tensor => tensor(fill(dims, phase, [-2, 2]).data, dims);
    const [q, k, v] = [given(0), given(1), given(2)];
    const hidden = Array.from({ length: 256 * 256 }, (_, i) => (i % 256 > Math.floor(i / 256) ? -1e30 : 0));
    const attrs = { scale: 0.3, dropout: false };
    const parts = apply('attention', [q, k, v], { ...attrs, bias: false, causal: true });
    const whole = apply('attention', [q, k, v, tensor(hidden, [256, 256])], { ...attrs, bias: true, causal: false });
    const values = (t: Tensor): Promise<HostTensor['data']>[] => [
      t.data(),
      ...gradients(t.mul(t).sum(), [q, k, v]).map((g) => g.data()),
    ];
    const [some, all] = await Promise.all([Promise.all(values(parts)), Promise.all(values(whole))]);
    for (const [i, expected] of all.entries()) expect(some[i]).to.be.allclose(expected, { atol: 2e-6, rtol: 1e-5 });
  });

  it('lose no update of repeated indices, with two threads', async () => {
    const [rows, columns] = [4000, 64];
    const at = Array.from({ length: rows * columns }, (_, i) => (i * i) % 3);
    const indices = tensor(at, [rows, columns], 'int32');
    const graph = await compile(
      { x: { shape: [rows, columns] } },
      ({ x }) => ({
        sums: zeros([3, columns]).scatterAdd(0, indices, x),
        gradient: gradients(x.slice(0, 0, 3).gatherAlong(0, indices).sum(), [x])[0]!.slice(0, 0, 3),
      }),
      { threads: 2 },
    );
    const counts = new Float32Array(3 * columns);
    at.forEach((row, i) => {
      counts[row * columns + (i % columns)]! += 1;
    });
    const x = { dtype: 'float32', dims: [rows, columns], data: new Float32Array(rows * columns).fill(1) } as const;
    for (let run = 0; run < 5; run++) {
      const { sums, gradient } = await graph.run({ x });
      expect(sums.data).to.deep.equal(counts);
      expect(gradient.data).to.deep.equal(counts);
    }
    await graph.dispose();
  });

  it('are all compared with PyTorch', () => {
    const missing = Object.keys(cases).filter((name) => !rows.some((row) => row.name === name));
    expect(missing).to.deep.equal([]);
  });
});

/** As allclose, where NaN equals NaN. */
function expectClose(
  { data }: HostTensor,
  expected: readonly (number | string)[],
  tolerance: { atol: number; rtol: number },
): void {
  const numbers = expected.map(Number);
  const values = [...(data as Iterable<number | bigint>)].map(Number);
  const isNumber = (value: number): boolean => !Number.isNaN(value);
  expect(values.map(isNumber)).to.deep.equal(numbers.map(isNumber));
  expect(values.filter(isNumber)).to.be.allclose(numbers.filter(isNumber), tolerance);
}
