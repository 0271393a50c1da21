import {
  addmm,
  apply,
  applyAll,
  concat,
  flip,
  full,
  gradients,
  gru,
  iota,
  lstm,
  type OpName,
  ops,
  rnn,
  scan,
  type Tensor,
  tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';
import { type GradcheckOptions, gradcheck } from '../../../test/support/gradcheck.ts';
import { differentiatedOps } from './op-rows.ts';

interface Case extends GradcheckOptions {
  readonly f: (...inputs: Tensor[]) => Tensor;
}

const ints = (...values: number[]): Tensor => tensor(values, [values.length], 'int32');
const away: [number, number] = [0.3, 2]; // from zero, where a function is not smooth or not defined
const repeated = ints(...Array.from({ length: 600 }, (_, i) => (i * i) % 3)); // 3 rows, 200 hits each

const windows = (stride: number, pad: number, groups: number) => ({
  stride: [stride, stride],
  padding: [pad, pad, pad, pad],
  dilation: [1, 1],
  groups,
});
const overlapping = { ...windows(2, 1, 1), kernel: [3, 3], ceil: false };
const meeting = tensor([0, 4, 4, 8, 9, 13, 13, 13], [1, 2, 2, 2], 'int64');

const attended =
  ({ bias = false, causal = false }) =>
  (...inputs: Tensor[]): Tensor =>
    apply('attention', inputs, { scale: 0.5, bias, dropout: false, causal });
const twice = <T>(value: T): T[] => [value, value];

/** One check or more for every operation; the test below fails when an operation has none. */
const cases: { readonly [P in OpName]?: readonly Case[] } = {
  add: [{ f: (a, b) => a!.add(b!), shapes: [[3, 4], [4]] }],
  sub: [
    {
      f: (a, b) => a!.sub(b!),
      shapes: [
        [3, 1],
        [2, 1, 4],
      ],
    },
  ],
  mul: [
    {
      f: (a, b) => a!.mul(b!),
      shapes: [
        [3, 4],
        [3, 1],
      ],
    },
  ],
  div: [{ f: (a, b) => a!.div(b!), shapes: [[3, 4], [4]], range: away }],
  maximum: [{ f: (a, b) => a!.maximum(b!.add(0.05)), shapes: [[40], [40]], step: 1e-3 }],
  minimum: [{ f: (a, b) => a!.minimum(b!.add(0.05)), shapes: [[40], [40]], step: 1e-3 }],
  pow: [{ f: (a) => a!.pow(2.5), shapes: [[8]], range: away }],
  where: [{ f: (a, b) => a!.greater(0).where(a!.mul(2), b!), shapes: [[6], [6]], step: 1e-3 }],
  neg: [{ f: (a) => a!.neg(), shapes: [[5]] }],
  exp: [{ f: (a) => a!.exp(), shapes: [[5]] }],
  log: [{ f: (a) => a!.log(), shapes: [[5]], range: away }],
  sqrt: [{ f: (a) => a!.sqrt(), shapes: [[5]], range: away }],
  abs: [
    { f: (a) => a!.abs(), shapes: [[5]], range: away },
    { f: (a) => a!.abs(), shapes: [[5]], range: [-2, -0.3] },
  ],
  erf: [{ f: (a) => a!.erf(), shapes: [[9]] }],
  relu: [{ f: (a) => a!.relu(), shapes: [[50]], step: 1e-3 }],
  sigmoid: [{ f: (a) => a!.sigmoid(), shapes: [[9]], range: [-3, 3] }],
  tanh: [{ f: (a) => a!.tanh(), shapes: [[9]], range: [-3, 3] }],
  gelu: [{ f: (a) => a!.gelu(), shapes: [[9]], range: [-3, 3] }],
  cast: [{ f: (a) => a!.add(a!.cast('int32').cast('float32')), shapes: [[5]], range: [0.1, 0.9] }],
  sum: [
    { f: (a) => a!.sum(), shapes: [[3, 4]] },
    { f: (a) => a!.sum(0), shapes: [[300, 4]] },
    { f: (a) => a!.sum([0, 1]), shapes: [[3, 4, 5]] },
    { f: (a) => a!.sum([0, 2], { keepDims: true }), shapes: [[3, 4, 5]] },
    { f: (a) => a!.sum(-1), shapes: [[3, 4]] },
  ],
  mean: [
    { f: (a) => a!.mean(-1), shapes: [[3, 4]] },
    { f: (a) => a!.mean(), shapes: [[3, 4]] },
  ],
  max: [{ f: (a) => a!.max(1), shapes: [[4, 9]], step: 1e-3 }],
  softmax: [
    { f: (a) => a!.softmax(-1), shapes: [[3, 5]] },
    { f: (a) => a!.softmax(0), shapes: [[3, 5]] },
  ],
  logSoftmax: [{ f: (a) => a!.logSoftmax(-1), shapes: [[3, 5]] }],
  reshape: [{ f: (a) => a!.reshape([2, -1]), shapes: [[3, 4]] }],
  permute: [{ f: (a) => a!.permute([2, 0, 1]), shapes: [[2, 3, 4]] }],
  expand: [{ f: (a) => a!.expand([5, 3, 4]), shapes: [[3, 1]] }],
  concat: [
    {
      f: (a, b) => concat([a!, b!, a!], 1),
      shapes: [
        [2, 3],
        [2, 1],
      ],
    },
  ],
  split: [{ f: (a) => applyAll('split', [a!], { axis: 1, sizes: [1, 3] })[1]!, shapes: [[2, 4]] }],
  chunk: [{ f: (a) => a!.chunk(3, -1)[0]!.mul(a!.chunk(3, -1)[2]!), shapes: [[2, 6]] }],
  slice: [
    { f: (a) => a!.slice(1, 1, -1), shapes: [[2, 5]] },
    { f: (a) => a!.slice(0, -2), shapes: [[5, 2]] },
  ],
  flip: [{ f: (a) => flip(a!, 0), shapes: [[4, 2]] }],
  matmul: [
    {
      f: (a, b) => a!.matmul(b!),
      shapes: [
        [3, 4],
        [4, 5],
      ],
    },
    {
      f: (a, b) => a!.matmul(b!, { transposeA: true }),
      shapes: [
        [4, 3],
        [4, 5],
      ],
    },
    {
      f: (a, b) => a!.matmul(b!, { transposeB: true }),
      shapes: [
        [2, 3, 4],
        [2, 5, 4],
      ],
    },
    {
      f: (a, b) => a!.matmul(b!, { transposeA: true, transposeB: true }),
      shapes: [
        [2, 4, 3],
        [2, 5, 4],
      ],
    },
    {
      f: (a, b) => a!.matmul(b!),
      shapes: [
        [2, 1, 3, 4],
        [3, 4, 5],
      ],
    },
  ],
  addmm: [
    {
      f: (a, b, c) => addmm(c!, a!, b!),
      shapes: [
        [3, 4],
        [4, 5],
        [3, 5],
      ],
    },
    {
      f: (a, b, c) => addmm(c!, a!, b!, { transposeA: true, transposeB: true }),
      shapes: [
        [4, 3],
        [5, 4],
        [3, 5],
      ],
    },
  ],
  linear: [{ f: (x, w, b) => apply('linear', [x!, w!, b!], {}), shapes: [[40, 4], [5, 4], [5]] }],
  gather: [
    { f: (a) => a!.gather(ints(0, 2, 2, 1, 2)), shapes: [[3, 4]] },
    { f: (a) => a!.gather(repeated), shapes: [[3, 64]], step: 1e-1 },
  ],
  scatterAddRows: [{ f: (a) => apply('scatterAddRows', [repeated, a!], { rows: 5 }), shapes: [[600, 8]], step: 1e-1 }],
  crossEntropy: [
    { f: (a) => apply('crossEntropy', [a!, ints(1, 4, 1)], { labelSmoothing: 0 }), shapes: [[3, 5]] },
    { f: (a) => apply('crossEntropy', [a!, ints(1, 4, 1)], { labelSmoothing: 0.2 }), shapes: [[3, 5]] },
  ],
  layerNorm: [{ f: (x, w, b) => apply('layerNorm', [x!, w!, b!], { eps: 1e-5 }), shapes: [[4, 3, 8], [8], [8]] }],
  attention: [
    { f: attended({}), shapes: [[2, 3, 4, 5], ...twice([2, 3, 6, 5])] },
    { f: attended({ bias: true }), shapes: [[2, 1, 4, 5], ...twice([2, 1, 6, 5]), [2, 1, 1, 6]] },
    { f: attended({ causal: true }), shapes: [[2, 1, 4, 5], ...twice([2, 1, 6, 5])] },
    { f: attended({ bias: true, causal: true }), shapes: [[2, 1, 4, 5], ...twice([2, 1, 6, 5]), [2, 1, 1, 6]] },
    { f: attended({ causal: true }), shapes: [[1, 2, 256, 3], ...twice([1, 2, 256, 3])] }, // by blocks
  ],
  attend: [
    {
      f: (q, k, v, bias) => {
        const mask = tensor(
          Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? 0 : 1.5)),
          [1, 1, 4, 6],
        );
        const [y, weights] = applyAll('attend', [q!, k!, v!, bias!, mask], { bias: true, dropout: true });
        return concat([y!.reshape([-1]), weights!.reshape([-1])], 0);
      },
      shapes: [
        [2, 1, 4, 5],
        [2, 1, 6, 5],
        [2, 1, 6, 3],
        [1, 6],
      ],
    },
    {
      f: (q, k, v) => applyAll('attend', [q!, k!, v!], { bias: false, dropout: false })[1]!,
      shapes: [[2, 1, 4, 5], ...twice([2, 1, 6, 5])],
    },
    {
      // The slope of a slope.
      f: (q, k, v) => {
        const y = attended({})(q!, k!, v!);
        return gradients(y.mul(y).sum(), [k!])[0]!;
      },
      shapes: [[1, 1, 3, 4], ...twice([1, 1, 5, 4])],
    },
  ],
  scan: [
    {
      f: (h, x, w) => {
        const step = (carry: Tensor[], slices: Tensor[]): { carry: Tensor[]; outputs: Tensor[] } => {
          const next = carry[0]!.matmul(w!).add(slices[0]!).tanh();
          return { carry: [next], outputs: [next.mul(next)] };
        };
        const forward = scan(step, { initial: [h!], sequences: [x!] });
        const back = scan(step, { initial: [forward.final[0]!], sequences: [x!], reverse: true });
        return concat([forward.outputs[0]!.sum(0), back.outputs[0]!.sum(0), back.final[0]!], 0);
      },
      shapes: [
        [2, 3],
        [5, 2, 3],
        [3, 3],
      ],
    },
    {
      // the initial carry and a captured vector only, and an output that nobody uses
      f: (h, b, x) =>
        scan(([c], [s]) => ({ carry: [c!.mul(b!).add(s!).sigmoid()], outputs: [s!.exp()] }), {
          initial: [h!],
          sequences: [x!],
        }).final[0]!,
      shapes: [[2, 3], [3], [4, 2, 3]],
    },
  ],
  rnn: (['tanh', 'relu'] as const).map((nonlinearity) => ({
    f: (x, h, wi, wh, bi, bh) => {
      const { outputs, final } = rnn([x!, h!, wi!, wh!, bi!, bh!, ints(4, 2)], { reverse: true, nonlinearity });
      return concat([outputs.reshape([-1, 3]), final], 0);
    },
    shapes: [[4, 2, 5], [2, 3], [3, 5], [3, 3], [3], [3]],
    step: 1e-3,
  })),
  lstm: [false, true].map((reverse) => ({
    f: (x, h, c, wi, wh, bi, bh) => {
      const rows = reverse ? [ints(4, 2)] : [];
      const { outputs, final } = lstm([x!, h!, c!, wi!, wh!, bi!, bh!, ...rows], { reverse });
      return concat([outputs.reshape([-1, 3]), final.h, final.c], 0);
    },
    shapes: [[4, 2, 5], [2, 3], [2, 3], [12, 5], [12, 3], [12], [12]],
  })),
  conv: [
    {
      f: (x, w, b) => apply('conv', [x!, w!, b!], windows(2, 1, 1)),
      shapes: [[2, 3, 5, 4], [4, 3, 3, 3], [4]],
    },
    {
      f: (x, w) => apply('conv', [x!, w!], windows(1, 1, 3)),
      shapes: [
        [2, 3, 4, 4],
        [6, 1, 3, 3],
      ],
    },
  ],
  convTranspose: [
    {
      f: (x, w, b) => apply('convTranspose', [x!, w!, b!], { ...windows(2, 1, 1), output: [6, 8] }),
      shapes: [[2, 3, 3, 4], [3, 4, 3, 3], [4]],
    },
  ],
  convWeightGradient: [
    {
      f: (x, dy) => apply('convWeightGradient', [x!, dy!], { ...windows(2, 1, 1), kernel: [3, 3] }),
      shapes: [
        [2, 3, 5, 4],
        [2, 4, 3, 2],
      ],
    },
  ],
  maxPool: [{ f: (x) => apply('maxPool', [x!], overlapping), shapes: [[2, 2, 5, 5]], step: 1e-3 }],
  maxPoolIndices: [{ f: (x) => applyAll('maxPoolIndices', [x!], overlapping)[0]!, shapes: [[2, 2, 5, 5]], step: 1e-3 }],
  unpool: [{ f: (x) => apply('unpool', [x!, meeting], { spatial: [3, 3] }), shapes: [[1, 2, 2, 2]] }],
  avgPool: [{ f: (x) => apply('avgPool', [x!], { ...overlapping, countPadding: false }), shapes: [[2, 2, 5, 5]] }],
  resize: [
    {
      f: (x) => apply('resize', [x!], { size: [5, 3], mode: 'bilinear', alignCorners: false }),
      shapes: [[2, 2, 3, 4]],
    },
  ],
  normalizeChannels: [
    {
      f: (x, w, b, m, v) => apply('normalizeChannels', [x!, w!, b!, m!, v!], { eps: 1e-5 }),
      shapes: [[2, 3, 4], [3], [3], [3], [3]],
      range: away,
    },
  ],
  batchNorm: [
    { f: (x, w, b) => applyAll('batchNorm', [x!, w!, b!], { eps: 1e-5 })[0]!, shapes: [[4, 3, 2, 2], [3], [3]] },
  ],
  rmsNorm: [{ f: (x, w) => apply('rmsNorm', [x!, w!], { eps: 1e-5 }), shapes: [[3, 4, 8], [8]] }],
  gru: [false, true].map((reverse) => ({
    f: (x, h, wi, wh, bi, bh) => {
      const { outputs, final } = gru([x!, h!, wi!, wh!, bi!, bh!, ints(4, 2)], { reverse });
      return concat([outputs.reshape([-1, 3]), final], 0);
    },
    shapes: [[4, 2, 5], [2, 3], [9, 5], [9, 3], [9], [9]],
  })),
};

/** Integer or piecewise constant results, and what only gradients use. */
const without: readonly OpName[] = [
  'equal',
  'less',
  'greater',
  'lessEqual',
  'greaterEqual',
  'and',
  'or',
  'xor',
  'not',
  'mod',
  'isNaN',
  'step',
  'sign',
  'floor',
  'ceil',
  'round',
  'argmax',
  'argmin',
  'full',
  'iota',
  'sizeOf',
  'dropoutMask',
  'addAtColumns',
  'cachedAttention',
];

describe('gradients', () => {
  for (const [op, list] of Object.entries(cases))
    list.forEach(({ f, ...options }, i) => {
      it(`of ${op} equals finite differences${list.length > 1 ? ` (${i + 1})` : ''}`, () => gradcheck(f, options));
    });

  it('is checked for every operation that has one', () => {
    const inRows = differentiatedOps(); // ops.test.ts checks those
    const missing = (Object.keys(ops) as OpName[]).filter(
      (op) => !cases[op] && !without.includes(op) && !inRows.has(op),
    );
    expect(missing).to.deep.equal([]);
  });

  it('finds a wrong gradient', async () => {
    let error: unknown;
    await gradcheck((x) => x!.mul(x!).cast('int32').cast('float32').add(x!), {
      shapes: [[4]],
      range: [1, 9],
      step: 0.5,
    }).catch((e) => (error = e));
    expect(error).to.be.instanceOf(Error);
  });

  it('of large activations, computed by blocks, equals that of their parts', async () => {
    const parts = 4;
    const rows = 640;
    const x = tensor(
      Float32Array.from({ length: parts * rows * 128 }, (_, i) => 4 * Math.sin(i)),
      [parts * rows, 128],
    );
    for (const f of [
      (t: Tensor) => t.gelu(),
      (t: Tensor) => t.gelu({ approximate: 'tanh' }),
      (t: Tensor) => t.silu(),
      (t: Tensor) => t.relu6(),
      (t: Tensor) => t.hardSwish(),
    ]) {
      const slope = (t: Tensor): Tensor => gradients(f(t).mul(t.cos()).sum(), [t])[0]!;
      const whole = await slope(x).data();
      const part = await slope(x.slice(0, 0, rows)).data();
      const last = await slope(x.slice(0, -rows)).data();
      expect(whole.subarray(0, part.length) as Float32Array).to.be.allclose(part as Float32Array, { atol: 1e-5 });
      expect(whole.subarray(-last.length) as Float32Array).to.be.allclose(last as Float32Array, { atol: 1e-5 });
    }
  });

  it('of wide weights are what they are of narrow ones', async () => {
    const [rows, inputs, wide] = [512, 3, 1030];
    const x = tensor(
      Float32Array.from({ length: rows * inputs }, (_, i) => Math.sin(i)),
      [rows, inputs],
    );
    const w = full([wide, inputs], 0.5);
    for (const product of [
      (weight: Tensor) => apply('linear', [x, weight], {}),
      (weight: Tensor) => x.matmul(weight, { transposeB: true }),
    ]) {
      const slope = (weight: Tensor): Tensor =>
        gradients(
          product(weight)
            .mul(iota(weight.size(0)).cast('float32'))
            .sum(),
          [weight],
        )[0]!;
      const whole = await slope(w).data();
      const part = await slope(w.slice(0, 0, 200)).data();
      expect(whole.subarray(0, part.length) as Float32Array).to.be.allclose(part as Float32Array, {
        rtol: 1e-5,
        atol: 1e-3,
      });
      expect(whole.length).to.equal(wide * inputs);
      const sums = [0, 1, 2].map((i) =>
        Array.from({ length: rows }, (_, r) => Math.sin(r * inputs + i)).reduce((a, b) => a + b),
      );
      expect(whole.subarray(-inputs) as Float32Array).to.be.allclose(
        sums.map((sum) => sum * (wide - 1)),
        { rtol: 1e-4, atol: 1e-2 },
      );
    }
  });

  it('of a sum over repeated rows is the number of repetitions', async () => {
    const counts = apply('scatterAddRows', [repeated, full([600, 1], 1)], { rows: 4 });
    const expected = [0, 1, 2, 3].map(
      (row) => Array.from({ length: 600 }, (_, i) => (i * i) % 3).filter((r) => r === row).length,
    );
    expect(await counts.data()).to.be.allclose(expected);
  });
});
