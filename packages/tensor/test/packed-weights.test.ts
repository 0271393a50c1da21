import { linear } from '@rivulet/nn';
import {
  type BackendName,
  compile,
  compileStep,
  type HostTensor,
  parameter,
  symbol,
  type Tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';
import fc from 'fast-check';
import { BLOCK, packMatrix } from '../src/lowering/packed-weights.ts';
import { seeded } from '../src/random.ts';
import { atOnce } from '../src/slices.ts';

const random = seeded(5);
/** Nearly normal: a sum of twelve uniform numbers. */
const normal = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => Array.from({ length: 12 }, random.nextFloat).reduce((a, b) => a + b, -6));

function parameterOf(data: Float32Array, ...dims: number[]): Tensor {
  const tensor = parameter(...dims);
  storage(tensor).data.set(data as never);
  return tensor;
}

function storage(tensor: Tensor): HostTensor {
  return (tensor.node as { storage: HostTensor }).storage;
}

/** scale · q, with 8 for 0 in 4 bits, as the operators document it. */
function unpacked(matrix: HostTensor, format: 'int8' | 'int4'): Float32Array {
  const [rows, width] = matrix.dims as [number, number];
  const { values, scales } = atOnce(packMatrix(matrix, format));
  const blocks = Math.ceil(width / BLOCK);
  const nibble = (bytes: HostTensor, row: number, perRow: number, i: number): number =>
    (Number(bytes.data[row * perRow + (i >> 1)]) >> (4 * (i & 1))) & 15;
  return Float32Array.from({ length: rows * width }, (_, at) => {
    const [row, i] = [Math.floor(at / width), at % width];
    if (format === 'int8') return Number(scales.data[row]) * Number(values.data[i * rows + row]);
    const scale = Number(scales.data[row * blocks + Math.floor(i / BLOCK)]);
    return scale * (nibble(values, row, (blocks * BLOCK) / 2, i) - 8);
  });
}

const matrixOf = (data: Float32Array, rows: number): HostTensor => ({
  dtype: 'float32',
  dims: [rows, data.length / rows],
  data,
});

/** The squared error of the usual rounding: the largest value is 8 steps from 0, its opposite 7. */
function errorOfNearest(block: Float32Array): number {
  const largest = block.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  const scale = -largest / 8;
  const rounded = block.map((x) => scale * Math.min(7, Math.max(-8, Math.round(x / scale))));
  return squaredError(block, rounded);
}

const squaredError = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);

describe('weights in whole numbers', () => {
  const anyBlock = fc
    .array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: BLOCK, maxLength: BLOCK })
    .map((values) => Float32Array.from(values));

  it('int8 is off by half a step at most, of which two neighbours have 127 at most', () => {
    fc.assert(
      fc.property(anyBlock, (block) => {
        const pairs = Array.from(
          { length: BLOCK / 2 },
          (_, i) => Math.abs(block[2 * i]!) + Math.abs(block[2 * i + 1]!),
        );
        const step = Math.max(...pairs) / 127;
        const values = unpacked(matrixOf(block, 1), 'int8');
        block.forEach((x, i) => {
          expect(Math.abs(x - values[i]!)).to.be.at.most(step * 0.5001);
        });
      }),
    );
  });

  it('int4 is nearer than rounding to the nearest of the usual 16 steps, and exact where 16 steps are enough', () => {
    const errors = { ours: 0, nearest: 0 };
    for (let i = 0; i < 1000; i++) {
      const block = normal(BLOCK);
      errors.ours += squaredError(block, unpacked(matrixOf(block, 1), 'int4'));
      errors.nearest += errorOfNearest(block);
    }
    expect(errors.ours / errors.nearest).to.be.below(0.93);
    const whole = Float32Array.from({ length: BLOCK }, (_, i) => 0.25 * ((i % 16) - 8));
    expect(unpacked(matrixOf(whole, 1), 'int4')).to.be.allclose(whole, { atol: 1e-6, rtol: 0 });
    expect([...unpacked(matrixOf(new Float32Array(BLOCK), 1), 'int4')]).to.deep.equal(Array(BLOCK).fill(0));
  });

  for (const backend of ['native', 'node', 'wasm'] as BackendName[])
    for (const weights of ['int8', 'int4'] as const)
      it(`${backend}, ${weights}: a linear layer multiplies with them`, async () => {
        // rows that do not end with a block, one block, and an odd number of blocks
        for (const [inputs, outputs] of [
          [50, 7],
          [32, 16],
          [96, 40],
        ] as const) {
          const weight = normal(inputs * outputs);
          const bias = normal(outputs);
          const [w, b] = [parameterOf(weight, outputs, inputs), parameterOf(bias, outputs)];
          const columns = Float32Array.from(
            weight,
            (_, at) => weight[(at % outputs) * inputs + Math.floor(at / outputs)]!,
          );
          const turned = parameterOf(columns, inputs, outputs);
          const graph = await compile(
            { x: { shape: [symbol('B'), inputs] } },
            ({ x }) => ({ plain: linear(x, w), biased: linear(x, turned.transpose(0, 1), b) }),
            { weights, backend },
          );
          const x = normal(3 * inputs);
          x.fill(0, 0, inputs); // a row that has no scale
          const { plain, biased } = await graph.run({ x: { dtype: 'float32', dims: [3, inputs], data: x } });
          await graph.dispose();
          const rounded = unpacked(matrixOf(weight, outputs), weights);
          const expected = Float32Array.from({ length: 3 * outputs }, (_, at) => {
            const [row, column] = [Math.floor(at / outputs), at % outputs];
            let sum = 0;
            for (let i = 0; i < inputs; i++) sum += x[row * inputs + i]! * rounded[column * inputs + i]!;
            return sum;
          });
          // What is left is the rounding of x to 8 bits.
          expect(plain.data).to.be.allclose(expected, { atol: 0.04 * Math.sqrt(inputs), rtol: 0 });
          const sums = expected.map((y, at) => y + bias[at % outputs]!);
          expect(biased.data).to.be.allclose(sums, { atol: 0.04 * Math.sqrt(inputs), rtol: 0 });
        }
      });

  for (const backend of ['native', 'node', 'wasm'] as BackendName[])
    it(`${backend}, int8: sums of the largest products are right`, async () => {
      // Products of bytes are added in 16 bits where the processor knows no better, and cut there without a word.
      const inputs = 64;
      const rows = [
        () => 1,
        () => -1,
        (i: number) => (i % 2 === 0 ? 1 : 0),
        (i: number) => (i % 2 === 0 ? 0.3 : 1),
        (i: number) => (i % 4 < 2 ? 1 : -1),
        () => normal(1)[0]!,
      ];
      const weight = Float32Array.from(rows.flatMap((row) => Array.from({ length: inputs }, (_, i) => row(i))));
      const w = parameterOf(weight, rows.length, inputs);
      const graph = await compile({ x: { shape: [4, inputs] } }, ({ x }) => ({ y: linear(x, w) }), {
        weights: 'int8',
        backend,
      });
      // Of 127 steps each value is a whole one, so that nothing but the sums can be wrong.
      const x = Float32Array.from({ length: 4 * inputs }, (_, at) => [1, -1, at % 2, at % 4 < 2 ? 1 : -1][at >> 6]!);
      const { y } = await graph.run({ x: { dtype: 'float32', dims: [4, inputs], data: x } });
      await graph.dispose();
      const rounded = unpacked(matrixOf(weight, rows.length), 'int8');
      const expected = Float32Array.from({ length: 4 * rows.length }, (_, at) => {
        const [row, column] = [Math.floor(at / rows.length), at % rows.length];
        let sum = 0;
        for (let i = 0; i < inputs; i++) sum += x[row * inputs + i]! * rounded[column * inputs + i]!;
        return sum;
      });
      expect(y.data).to.be.allclose(expected, { atol: 1e-4, rtol: 0 });
    });

  it('an embedding that is the output layer too is read as it was', async () => {
    const table = normal(10 * 32);
    const shared = parameterOf(table, 10, 32);
    const graph = await compile(
      { ids: { shape: [symbol('B')], dtype: 'int32' } },
      ({ ids }) => ({ rows: shared.gather(ids), scores: linear(shared.gather(ids), shared) }),
      { weights: 'int8' },
    );
    const { rows, scores } = await graph.run({ ids: { dtype: 'int32', dims: [1], data: Int32Array.of(3) } });
    await graph.dispose();
    expect([...rows.data]).to.deep.equal([...table.subarray(96, 128)]);
    expect(scores.data.indexOf(Math.max(...(scores.data as Float32Array)) as never)).to.equal(3);
  });

  it('refuses a format that there is not', async () => {
    const error = await compile({ x: { shape: [1] } }, ({ x }) => ({ y: x }), { weights: 'int3' as never }).catch(
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(TypeError);
    expect((error as Error).message).to.equal("there is no weight format 'int3'; there are: float32, int8, int4");
  });
});

describe('compile while training goes on', () => {
  it('takes the weights of when it was called', async () => {
    const w = parameterOf(new Float32Array(1 << 22), 1 << 22); // 16 MiB: several slices
    const step = await compileStep({}, () => ({ outputs: {}, updates: new Map([[w, w.add(1)]]) }));
    await step.run({});
    await step.run({}); // both of its buffers are in use
    const compiling = compile({ x: { shape: [1] } }, ({ x }) => ({ least: w.min().add(x), most: w.max().add(x) }));
    for (let i = 0; i < 4; i++) await step.run({});
    const graph = await compiling;
    const x = { dtype: 'float32', dims: [1], data: Float32Array.of(0) } as const;
    const { least, most } = await graph.run({ x });
    expect([...least.data, ...most.data]).to.deep.equal([2, 2]);
    expect(storage(w).data[0]).to.equal(6);
    await graph.dispose();
    await step.dispose();
  });
});
