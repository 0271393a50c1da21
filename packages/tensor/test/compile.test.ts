import {
  compile,
  compileStep,
  constant,
  gradients,
  parameter,
  ShapeError,
  scalar,
  symbol,
  type Tensor,
  tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';

const host = (values: number[], dims = [values.length]): { dtype: 'float32'; dims: number[]; data: Float32Array } => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(values),
});

async function failure(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.fail('it did not fail'),
    (error: Error) => error,
  );
}

describe('compile', () => {
  it('serves every size of a symbolic axis', async () => {
    const graph = await compile({ x: { shape: [symbol('B'), symbol('T'), 2] } }, ({ x }) => ({
      flat: x.reshape([-1, 2]).sum(0),
      swapped: x.transpose(0, 1).reshape([x.dim(1), -1]),
    }));
    for (const [b, t] of [
      [1, 1],
      [2, 3],
      [5, 4],
    ] as const) {
      const { flat, swapped } = await graph.run({
        x: host(
          Array.from({ length: b * t * 2 }, () => 1),
          [b, t, 2],
        ),
      });
      expect([...flat.data]).to.deep.equal([b * t, b * t]);
      expect(swapped.dims).to.deep.equal([t, b * 2]);
    }
    await graph.dispose();
  });

  it('refuses feeds that do not fit, by name', async () => {
    const graph = await compile({ a: { shape: [symbol('B'), 2] }, b: { shape: [symbol('B')] } }, ({ a, b }) => ({
      y: a.sum(1).add(b),
    }));
    const a = host([1, 2, 3, 4], [2, 2]);
    expect((await failure(graph.run({ a } as never))).message).to.equal("run: the input 'b' is missing");
    expect((await failure(graph.run({ a, b: host([1, 2, 3]) }))).message).to.include("and B is 2 in 'a'");
    expect((await failure(graph.run({ a: host([1, 2]), b: host([1]) }))).message).to.include(
      "'a' is float32 [2], expected float32 [B, 2]",
    );
    await graph.dispose();
  });

  it('gives outputs the sizes that were traced, reshapes at the end among them, and writes into tensors given for them', async () => {
    const graph = await compile({ x: { shape: [symbol('B'), 2] } }, ({ x }) => ({
      sum: x.add(1),
      rows: x.mul(2).reshape([-1, 1]).reshape([1, -1, 1]),
      same: x.reshape([-1]),
      one: x.sum().reshape([1, 1]),
    }));
    for (const b of [1, 3, 0]) {
      const x = host(
        Array.from({ length: 2 * b }, (_, i) => i),
        [b, 2],
      );
      const { sum, rows, same, one } = await graph.run({ x });
      expect([sum.dims, rows.dims, same.dims, one.dims]).to.deep.equal([[b, 2], [1, 2 * b, 1], [2 * b], [1, 1]]);
      expect([...sum.data]).to.deep.equal([...x.data].map((v) => v + 1));
      expect([...rows.data]).to.deep.equal([...x.data].map((v) => v * 2));
      expect([...same.data]).to.deep.equal([...x.data]);
    }
    const place = host([0, 0, 0, 0], [1, 4, 1]);
    for (const first of [1, 5]) {
      const { rows } = await graph.run({ x: host([first, 2, 3, 4], [2, 2]) }, { rows: place });
      expect(rows).to.equal(place);
      expect([...place.data]).to.deep.equal([2 * first, 4, 6, 8]);
    }
    const small = graph.run({ x: host([1, 2], [1, 2]) }, { rows: place });
    expect((await failure(small)).message).to.equal("output 'rows' has the shape [1,2,1], the tensor for it [1,4,1]");
    await graph.dispose();
  });

  it('lets a slice be shorter than its end says, where the axis is', async () => {
    const graph = await compile({ x: { shape: [symbol('T')] } }, ({ x }) => ({ y: x.slice(0, 0, 3).add(1) }));
    expect([...(await graph.run({ x: host([1, 2]) })).y.data]).to.deep.equal([2, 3]);
    expect([...(await graph.run({ x: host([1, 2, 3, 4]) })).y.data]).to.deep.equal([2, 3, 4]);
    await graph.dispose();
  });

  it('gives the values of an expression', async () => {
    const x = tensor([1, 2, 3, 4], [2, 2]);
    expect([...(await x.matmul(x).add(1).data())]).to.deep.equal([8, 11, 16, 23]);
    expect(await x.mean().item()).to.equal(2.5);
    expect(`${x}`).to.equal('Tensor(float32 [2, 2])');
  });

  const misuse: Record<string, [() => Tensor, string]> = {
    matmul: [
      () => tensor([1, 2], [1, 2]).matmul(tensor([1, 2, 3], [1, 3])),
      'matmul: [1, 2] · [1, 3]: inner sizes 2 and 1 differ',
    ],
    add: [() => tensor([1, 2]).add(tensor([1, 2, 3])), 'add: shapes [2] and [3] do not broadcast'],
    'add of types': [
      () => tensor([1]).add(scalar(1, 'int32')),
      'add: element types differ: float32 and int32; cast one of them',
    ],
    reshape: [() => tensor([1, 2, 3]).reshape([2, -1]), 'reshape: [3] does not fit into [2, -1]'],
    permute: [() => tensor([1]).permute([0, 0]), 'permute: [0,0] is no order of the axes of [1]'],
    axis: [() => tensor([1]).sum(2), 'sum: axis 2 is out of range for rank 1'],
    gather: [() => tensor([1]).gather(tensor([0])), 'gather: indices must be int32 or int64, got float32'],
    slice: [() => tensor([1, 2]).slice(0, 2, 1), 'slice: 2..1 is not inside an axis of size 2'],
    constant: [() => constant([1, 2], [3]), 'tensor: 2 values do not fill the shape [3]'],
  };
  for (const [what, [build, message]] of Object.entries(misuse))
    it(`names the operation and the shapes: ${what}`, () => {
      expect(build).to.throw(ShapeError, message);
    });

  it('fails where an index is outside a table', async () => {
    const y = tensor([1, 2], [2, 1]).gather(tensor([2], [1], 'int32'));
    expect((await failure(y.data())).message).to.include('ONNX Runtime');
    const table = tensor([1, 2], [2, 1]);
    const graph = await compile({ ids: { shape: [3], dtype: 'int32' } }, ({ ids }) => ({ y: table.gather(ids) }));
    const ids = { dtype: 'int32', dims: [3], data: Int32Array.of(0, 2, 1) } as const;
    const error = await failure(graph.run({ ids }));
    expect(error).to.be.instanceOf(RangeError);
    expect(error.message).to.include("of the inputs, 'ids' holds 0 to 2");
    await graph.dispose();
  });
});

describe('compileStep', () => {
  /** Gradient descent on |w·x − 1|², with every parameter both read late and written. */
  async function descend(steps: number): Promise<{ w: number[]; losses: number[] }> {
    const w = parameter(64, 64);
    const v = parameter(64, 64);
    for (const t of [w, v]) (await t.data()).set(Array.from({ length: 64 * 64 }, (_, i) => Math.sin(i) / 8) as never);
    const step = await compileStep({ x: { shape: [32, 64] } }, ({ x }) => {
      const error = x.matmul(w).tanh().matmul(v).sub(1);
      const loss = error.mul(error).mean();
      const [gw, gv] = gradients(loss, [w, v]);
      const next = w.sub(gw!.mul(0.5));
      return {
        outputs: { loss },
        updates: new Map([
          [w, next],
          [v, v.sub(gv!.mul(0.5)).add(next.mul(0.01))],
        ]),
      };
    });
    const x = host(
      Array.from({ length: 32 * 64 }, (_, i) => Math.cos(i)),
      [32, 64],
    );
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) losses.push((await step.run({ x })).loss.data[0] as number);
    await step.dispose();
    return { w: [...((await w.data()) as Float32Array)], losses };
  }

  it('updates as if every step had buffers of its own', async () => {
    const { losses, w } = await descend(10);
    // the same in plain loops of float64
    const n = 64;
    let a = Array.from({ length: n * n }, (_, i) => Math.sin(i) / 8);
    let b = [...a];
    const x = Array.from({ length: 32 * n }, (_, i) => Math.cos(i));
    const product = (p: number[], q: number[], rows: number, inner: number, cols: number): number[] =>
      Array.from({ length: rows * cols }, (_, i) => {
        let sum = 0;
        for (let k = 0; k < inner; k++) sum += p[Math.floor(i / cols) * inner + k]! * q[k * cols + (i % cols)]!;
        return sum;
      });
    const flip = (p: number[], rows: number, cols: number): number[] =>
      Array.from({ length: rows * cols }, (_, i) => p[(i % rows) * cols + Math.floor(i / rows)]!);
    const expected: number[] = [];
    for (let step = 0; step < 10; step++) {
      const h = product(x, a, 32, n, n).map(Math.tanh);
      const error = product(h, b, 32, n, n).map((y) => y - 1);
      expected.push(error.reduce((sum, e) => sum + e * e, 0) / error.length);
      const g = error.map((e) => (2 * e) / error.length);
      const gb = product(flip(h, 32, n), g, n, 32, n);
      const gh = product(g, flip(b, n, n), 32, n, n).map((value, i) => value * (1 - h[i]! ** 2));
      const ga = product(flip(x, 32, n), gh, n, 32, n);
      const next = a.map((value, i) => value - 0.5 * ga[i]!);
      b = b.map((value, i) => value - 0.5 * gb[i]! + 0.01 * next[i]!);
      a = next;
    }
    expect(losses).to.be.allclose(expected, { rtol: 1e-4 });
    expect(w).to.be.allclose(a, { atol: 1e-4, rtol: 1e-3 });
  });

  it('gives the same bits for the same steps', async () => {
    expect(await descend(5)).to.deep.equal(await descend(5));
  });

  it('refuses two steps at once on the same parameters', async () => {
    const w = parameter(2);
    const step = await compileStep({ x: { shape: [2] } }, ({ x }) => ({
      outputs: {},
      updates: new Map([[w, w.add(x)]]),
    }));
    const first = step.run({ x: host([1, 1]) });
    expect((await failure(step.run({ x: host([1, 1]) }))).message).to.include('still running');
    await first;
    expect([...(await w.data())]).to.deep.equal([1, 1]);
    await step.dispose();
  });

  it('leaves the parameters alone when a step fails', async () => {
    const table = parameter(3, 2);
    const step = await compileStep({ ids: { shape: [1], dtype: 'int32' } }, ({ ids }) => {
      const loss = table.gather(ids).sub(1).sum();
      return { outputs: { loss }, updates: new Map([[table, table.sub(gradients(loss, [table])[0]!)]]) };
    });
    const before = [...(await table.data())];
    await failure(step.run({ ids: { dtype: 'int32', dims: [1], data: Int32Array.of(7) } }));
    expect([...(await table.data())]).to.deep.equal(before);
    await step.run({ ids: { dtype: 'int32', dims: [1], data: Int32Array.of(1) } });
    expect([...(await table.data())]).to.deep.equal([0, 0, -1, -1, 0, 0]);
    await step.dispose();
  });
});
