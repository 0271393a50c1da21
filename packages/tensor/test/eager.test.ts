import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import {
  arange,
  constant,
  type DType,
  hostTensor,
  input,
  ones,
  parameter,
  ShapeError,
  scan,
  symbol,
  type Tensor,
  tensor,
  zeros,
} from '@rivulet/tensor';
import { expect } from 'chai';

interface Print {
  readonly dtype: DType;
  readonly dims: number[];
  readonly text: string;
  readonly data?: (number | string)[];
}
const file = new URL('./fixtures/torch-ops.json', import.meta.url);
const { prints } = JSON.parse(readFileSync(file, 'utf8')) as { prints: Print[] };

describe('an expression alone', () => {
  it('gives new values for the same structure, of constants and of parameters', async () => {
    const w = parameter(2);
    const f = (x: Tensor): Tensor => x.mul(w).add(1);
    expect([...(await f(tensor([1, 2])).data())]).to.deep.equal([1, 1]);
    (await w.data()).set([3, 4] as never);
    expect([...(await f(tensor([1, 2])).data())]).to.deep.equal([4, 9]);
    expect([...(await f(tensor([5, 6])).data())]).to.deep.equal([16, 25]);
  });

  it('tells structures apart by attributes, shapes, types and the order of inputs', async () => {
    const [a, b] = [tensor([4, 9]), tensor([1, 2])];
    const results = [
      a.sub(b),
      b.sub(a),
      a.sub(a),
      a.pow(2),
      a.pow(3),
      a.clip(5),
      a.clip(undefined, 5),
      a.sum(),
      a.max(),
    ];
    const values = await Promise.all(results.map((y) => y.toArray()));
    expect(values).to.deep.equal([[3, 7], [-3, -7], [0, 0], [16, 81], [64, 729], [5, 9], [4, 5], 13, 9]);
    expect(await tensor([1, 2, 3]).add(1).toArray()).to.deep.equal([2, 3, 4]);
    expect(await tensor([1, 2], [2], 'int32').add(1).toArray()).to.deep.equal([2, 3]);
    expect(await tensor([1, 2]).div(-0).toArray()).to.deep.equal([-Infinity, -Infinity]);
    expect(await tensor([1, 2]).div(0).toArray()).to.deep.equal([Infinity, Infinity]);
    expect(await zeros([2]).add(1).toArray()).to.deep.equal([1, 1]);
  });

  it('runs recurrences, whose steps hold constants', async () => {
    const run = (factor: number, start: Tensor): Promise<unknown> =>
      scan(([c], [s]) => ({ carry: [c!.mul(factor).add(s!)], outputs: [] }), {
        initial: [start],
        sequences: [tensor([[1], [2], [3]])],
      }).final[0]!.toArray();
    expect(await run(2, tensor([1]))).to.deep.equal([19]);
    expect(await run(1, tensor([1]))).to.deep.equal([7]);
    expect(await run(1, tensor([2]))).to.deep.equal([8]);
  });

  it('says what it cannot run', async () => {
    const error = await input('x', [symbol('N')])
      .add(1)
      .data()
      .then(
        () => null,
        (e: Error) => e,
      );
    expect(error?.message).to.include("reads the input 'x'");
  });

  it('runs more structures at once than are kept', async () => {
    const sums = await Promise.all(
      Array.from({ length: 80 }, (_, i) =>
        ones([i + 1])
          .sum()
          .item(),
      ),
    );
    expect(sums).to.deep.equal(Array.from({ length: 80 }, (_, i) => i + 1));
  });

  it('does not grow memory over 10,000 evaluations, of 500 structures', async function () {
    this.timeout(60_000);
    const work = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i += 20)
        await Promise.all(
          Array.from({ length: 20 }, async (_, j) => {
            // Most differ in values alone, one of 20 in structure.
            const y = j === 0 ? ones([2, ((i / 20) % 500) + 1]).sum() : tensor([i, j]).mul(i).sum();
            expect(Number.isFinite(await y.item())).to.equal(true);
          }),
        );
    };
    await work(0, 2_000);
    global.gc!();
    const before = process.memoryUsage.rss();
    await work(2_000, 12_000);
    global.gc!();
    expect((process.memoryUsage.rss() - before) / 2 ** 20).to.be.below(40);
  });
});

describe('the values of a tensor', () => {
  it('come as nested lists', async () => {
    expect(await arange(6).reshape([2, 3]).toArray()).to.deep.equal([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(await tensor([[true, false]]).toArray()).to.deep.equal([[true, false]]);
    expect(await zeros([2, 0]).toArray()).to.deep.equal([[], []]);
    expect(await tensor([1.5]).cast('float16').toArray()).to.deep.equal([1.5]);
    expect(await tensor([1.5], [], 'float16').item()).to.equal(1.5);
  });

  it('are nested lists when it is made', async () => {
    const x = tensor([[[1, 2]], [[3, 4]]]);
    expect(x.shape).to.deep.equal([2, 1, 2]);
    expect(tensor([[true]]).dtype).to.equal('bool');
    expect(tensor([], [0, 3]).shape).to.deep.equal([0, 3]);
  });

  for (const { dtype, dims, text, data } of prints)
    it(`print as in PyTorch: ${text.length > 40 ? `${dtype} [${dims}]` : text}`, async () => {
      const size = dims.reduce((a, b) => a * b, 1);
      const values = data ? data.map(Number) : Array.from({ length: size }, (_, i) => i);
      const scale = dims.length === 3 && !data ? 7 : dims[0] === 40 ? 1 / 1000 : 1;
      const x = constant(
        values.map((value) => (data ? value : Math.fround(value / scale))),
        dims,
        dtype,
      );
      expect(await x.show()).to.equal(text);
    });

  it('are fed to graphs in the same forms', () => {
    const host = hostTensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      'int32',
    );
    expect(host).to.deep.equal({ dtype: 'int32', dims: [2, 3], data: Int32Array.of(1, 2, 3, 4, 5, 6) });
    expect(hostTensor([true, false]).dtype).to.equal('bool');
    const data = Float32Array.of(1, 2, 3, 4);
    expect(hostTensor(data, 'float32', [2, 2])).to.deep.equal({ dtype: 'float32', dims: [2, 2], data });
    expect(() => hostTensor([0.5], 'int32')).to.throw(ShapeError, '0.5 is no int32');
    expect(() => hostTensor(data, 'int32')).to.throw(ShapeError, 'Float32Array does not hold int32');
    expect(() => hostTensor(data, 'float32', [3])).to.throw(ShapeError, '4 values do not fill the shape [3]');
  });

  it('are not needed to show what it is', () => {
    expect(inspect(tensor([[1, 2]]).add(1))).to.equal('Tensor(float32 [1, 2])');
  });
});
